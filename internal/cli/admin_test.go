package cli

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// scrape is what the admin listener shows to Prometheus.
func (w *world) scrape() string {
	w.t.Helper()
	status, _, body := w.get(w.admin + "/metrics")
	if status != http.StatusOK {
		w.t.Fatalf("metrics answered %d", status)
	}
	return body
}

// get asks for a page; change may dress the request.
func (w *world) get(url string, change ...func(*http.Request)) (int, http.Header, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range change {
		f(req)
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // no redirects
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	w := serving(t)
	w.salesforce.Refuse("Lead", "Email", func(v any) string {
		if v == "refused@example.org" {
			return "FIELD_CUSTOM_VALIDATION_EXCEPTION"
		}
		return ""
	})
	w.lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": email("refused@example.org")})
	w.lead("Charles Babbage", "Difference Engines")
	w.quiet()
	text := w.scrape()
	for _, want := range []string{
		`crmsync_webhooks_total{outcome="accepted",type="create_pulse"} `,
		`crmsync_webhook_duration_seconds_count `,
		`crmsync_jobs_total{kind="item_create",outcome="failed"} 1`,
		`crmsync_jobs_total{kind="column_update",outcome="`,
		`crmsync_sync_lag_seconds_count `,
		`crmsync_api_calls_total{code="200",operation="upsert",system="salesforce"} `,
		`crmsync_api_calls_total{code="ok",operation="items",system="monday"} `,
		`crmsync_api_call_duration_seconds_count{operation="`,
		`crmsync_api_rows_total{operation="upsert",outcome="success",system="salesforce"} `,
		`crmsync_api_rows_total{operation="upsert",outcome="failed",system="salesforce"} `,
		`crmsync_salesforce_api_usage `,
		`crmsync_salesforce_api_limit 100000`,
		`crmsync_monday_complexity_remaining `,
		`crmsync_queue_jobs{queue="events",state="available"} 0`,
		`crmsync_queue_jobs{queue="events",state="retryable"} 0`,
		`crmsync_queue_jobs{queue="events",state="running"} 0`,
		`crmsync_queue_jobs{queue="events",state="scheduled"} 0`,
		`crmsync_queue_oldest_seconds{queue="events"} 0`,
		`crmsync_dead_letters 1`,
		`crmsync_batch_items_count `,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "crmsync_sync_lag_seconds_count") && strings.TrimSpace(line) == "crmsync_sync_lag_seconds_count 0" {
			t.Error("no lag was observed")
		}
		if strings.HasPrefix(line, "crmsync_monday_complexity_remaining 0") || strings.HasPrefix(line, "crmsync_salesforce_api_usage 0") {
			t.Errorf("not set: %s", line)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.start("ingest")
	w.start("worker")
	for _, url := range []string{w.admin + "/healthz", w.admin + "/readyz", origin(w.ingest) + "/healthz", origin(w.ingest) + "/readyz"} {
		if status, _, _ := w.get(url); status != http.StatusOK {
			t.Errorf("%s answered %d", url, status)
		}
	}
	for _, path := range []string{"/jobs", "/jobs/", "/jobs/api/jobs", "/metrics", "/debug/pprof/"} {
		if status, _, _ := w.get(origin(w.ingest) + path); status != http.StatusNotFound {
			t.Errorf("%s of the public listener answered %d, want 404", path, status)
		}
	}
	for _, path := range []string{"/jobs", "/jobs/", "/jobs/api/jobs"} {
		if status, _, _ := w.get(w.admin + path); status != http.StatusNotFound {
			t.Errorf("%s without credentials in the environment answered %d, want 404", path, status)
		}
	}
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	w := setup(t, with("ADMIN_USER", "admin"), with("ADMIN_PASSWORD", "a-password"))
	for _, command := range []string{"ingest", "worker"} {
		w.start(command)
		login := func(r *http.Request) { r.SetBasicAuth("admin", "a-password") }
		for name, change := range map[string]func(*http.Request){
			"nobody":         func(*http.Request) {},
			"wrong password": func(r *http.Request) { r.SetBasicAuth("admin", "another-one") },
			"wrong user":     func(r *http.Request) { r.SetBasicAuth("root", "a-password") },
			"empty":          func(r *http.Request) { r.SetBasicAuth("", "") },
		} {
			for _, path := range []string{"/jobs/", "/jobs/api/jobs", "/jobs/api/queues"} {
				status, header, _ := w.get(w.admin+path, change)
				if status != http.StatusUnauthorized || !strings.HasPrefix(header.Get("WWW-Authenticate"), "Basic ") {
					t.Errorf("%s: %s for %s answered %d %q, want 401", command, path, name, status, header.Get("WWW-Authenticate"))
				}
			}
		}
		status, header, body := w.get(w.admin+"/jobs/", login)
		if status != http.StatusOK || !strings.Contains(body, "<html") {
			t.Errorf("%s: the dashboard answered %d", command, status)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
		} {
			if !strings.Contains(header.Get(name), want) {
				t.Errorf("%s: %s is %q, want %s", command, name, header.Get(name), want)
			}
		}
		if status, _, body := w.get(w.admin+"/jobs/api/queues", login); status != http.StatusOK {
			t.Errorf("%s: the dashboard's API answered %d: %s", command, status, body)
		}
	}
}

// TestDashboardFromElsewhere: another site that a logged-in operator looks at can change nothing.
func TestDashboardFromElsewhere(t *testing.T) {
	t.Parallel()
	w := setup(t, with("ADMIN_USER", "admin"), with("ADMIN_PASSWORD", "a-password"))
	w.start("serve")
	w.deliver("not JSON")
	w.quiet()
	retry := func(site string) int {
		status, _, _ := w.get(w.admin+"/jobs/api/jobs/retry", func(r *http.Request) {
			r.Method = http.MethodPost
			r.SetBasicAuth("admin", "a-password")
			r.Header.Set("Content-Type", "text/plain")
			r.Header.Set("Sec-Fetch-Site", site)
			r.Body = io.NopCloser(strings.NewReader(`{"ids":["1"]}`))
		})
		return status
	}
	if status := retry("cross-site"); status != http.StatusForbidden {
		t.Errorf("a cross-site POST answered %d, want 403", status)
	}
	w.expect(1, "SELECT count(*) FROM river_job WHERE state = 'cancelled'")
	if status := retry("same-origin"); status != http.StatusOK {
		t.Errorf("a POST of the dashboard itself answered %d, want 200", status)
	}
}

// origin is a URL without its path.
func origin(url string) string {
	parts := strings.SplitN(url, "/", 4)
	return strings.Join(parts[:3], "/")
}
