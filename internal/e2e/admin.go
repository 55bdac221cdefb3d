package e2e

import (
	"io"
	"net/http"
)

// Scrape returns the metrics in Prometheus's format.
func (w *World) Scrape() string {
	w.T.Helper()
	status, _, body := w.Get(w.Admin + "/metrics")
	if status != http.StatusOK {
		w.T.Fatalf("metrics answered %d", status)
	}
	return body
}

// Get requests a page without following redirects. change may set headers of the request.
func (w *World) Get(url string, change ...func(*http.Request)) (int, http.Header, string) {
	w.T.Helper()
	req, err := http.NewRequestWithContext(w.T.Context(), http.MethodGet, url, nil)
	if err != nil {
		w.T.Fatal(err)
	}
	for _, f := range change {
		f(req)
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // no redirects
	if err != nil {
		w.T.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.T.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}
