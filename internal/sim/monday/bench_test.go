package monday

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// discard is a ResponseWriter without costs of its own.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func BenchmarkReadHundred(b *testing.B) {
	s := New(Config{Token: testToken, ComplexityPerMinute: 1 << 60})
	defer s.Close()
	ids := []int64{}
	for range 100 {
		ids = append(ids, s.CreateItem(1003, "Bo", map[string]any{"company": "ACME", "status": "Quote", "amount": "5"}))
	}
	body, _ := json.Marshal(map[string]any{"query": samples[0], "variables": map[string]any{"ids": ids}})
	for b.Loop() {
		req, _ := http.NewRequest(http.MethodPost, "/v2", bytes.NewReader(body))
		req.Header.Set("Authorization", testToken)
		req.Header.Set("Content-Type", "application/json")
		s.ServeHTTP(discard{http.Header{}}, req)
	}
}

func BenchmarkDelivery(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	s := New(Config{SigningSecret: "sign"})
	defer s.Close()
	s.AddWebhook(1003, "change_column_value", server.URL)
	id := s.CreateItem(1003, "Bo", nil)
	for n := range b.N {
		s.SetColumn(id, "amount", n)
	}
	_ = s.Wait(b.Context())
}
