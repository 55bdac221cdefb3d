package operate_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	w.Salesforce.Reject("Lead", "Email", func(v any) string {
		if v == "refused@example.org" {
			return "FIELD_CUSTOM_VALIDATION_EXCEPTION"
		}
		return ""
	})
	w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("refused@example.org")})
	w.Lead("Charles Babbage", "Difference Engines")
	w.Quiet()
	text := w.Scrape()
	for _, want := range []string{
		`crmsync_webhooks_total{outcome="accepted",type="create_pulse"} `,
		`crmsync_webhook_duration_seconds_count `,
		`crmsync_jobs_total{board="leads",kind="item_create",outcome="failed"} 1`,
		`crmsync_jobs_total{board="contacts",kind="column_update",outcome="success"} 0`,
		`crmsync_attempts_failed_total{board="leads",code="FIELD_CUSTOM_VALIDATION_EXCEPTION"} 1`,
		`crmsync_system_up{system="salesforce"} 1`,
		`crmsync_system_up{system="monday"} 1`,
		`crmsync_mapping_info{fingerprint="`,
		`crmsync_sync_lag_seconds_count{direction="to_salesforce"} `,
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
		if strings.TrimSpace(line) == `crmsync_sync_lag_seconds_count{direction="to_salesforce"} 0` {
			t.Error("no lag was observed")
		}
		if strings.HasPrefix(line, "crmsync_monday_complexity_remaining 0") || strings.HasPrefix(line, "crmsync_salesforce_api_usage 0") {
			t.Errorf("not set: %s", line)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Start("ingest")
	w.Start("worker")
	for _, url := range []string{w.Admin + "/healthz", w.Admin + "/readyz", origin(w.Ingest) + "/healthz", origin(w.Ingest) + "/readyz"} {
		if status, _, _ := w.Get(url); status != http.StatusOK {
			t.Errorf("%s answered %d", url, status)
		}
	}
	for _, path := range []string{"/jobs", "/jobs/", "/jobs/api/jobs", "/metrics", "/debug/pprof/"} {
		if status, _, _ := w.Get(origin(w.Ingest) + path); status != http.StatusNotFound {
			t.Errorf("%s of the public listener answered %d, want 404", path, status)
		}
	}
	for _, path := range []string{"/jobs", "/jobs/", "/jobs/api/jobs"} {
		if status, _, _ := w.Get(w.Admin + path); status != http.StatusNotFound {
			t.Errorf("%s without credentials in the environment answered %d, want 404", path, status)
		}
	}
	const off = "The console is off: set ADMIN_USER and ADMIN_PASSWORD"
	for _, path := range []string{"/", "/items/1"} { // of the worker, which was started last
		if status, header, body := w.Get(w.Admin + path); status != http.StatusNotFound || strings.TrimSpace(body) != off || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s without a console answered %d %q", path, status, body)
		}
	}
	logged := 0
	for _, log := range w.Logs {
		logged += strings.Count(log.String(), off)
	}
	if logged != 1 {
		t.Errorf("the log says %d times that the console is off, want once", logged)
	}
}

func TestDashboard(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("ADMIN_USER", "admin"), e2e.With("ADMIN_PASSWORD", "a-password"))
	for _, command := range []string{"ingest", "worker"} {
		w.Start(command)
		login := func(r *http.Request) { r.SetBasicAuth("admin", "a-password") }
		for name, change := range map[string]func(*http.Request){
			"nobody":         func(*http.Request) {},
			"wrong password": func(r *http.Request) { r.SetBasicAuth("admin", "another-one") },
			"wrong user":     func(r *http.Request) { r.SetBasicAuth("root", "a-password") },
			"empty":          func(r *http.Request) { r.SetBasicAuth("", "") },
		} {
			for _, path := range []string{"/jobs/", "/jobs/api/jobs", "/jobs/api/queues"} {
				status, header, _ := w.Get(w.Admin+path, change)
				if status != http.StatusUnauthorized || !strings.HasPrefix(header.Get("WWW-Authenticate"), "Basic ") {
					t.Errorf("%s: %s for %s answered %d %q, want 401", command, path, name, status, header.Get("WWW-Authenticate"))
				}
			}
		}
		status, header, body := w.Get(w.Admin+"/jobs/", login)
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
		if status, _, body := w.Get(w.Admin+"/jobs/api/queues", login); status != http.StatusOK {
			t.Errorf("%s: the dashboard's API answered %d: %s", command, status, body)
		}
	}
}

// TestDashboardFromElsewhere: another site that a logged-in operator visits cannot change anything.
func TestDashboardFromElsewhere(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("ADMIN_USER", "admin"), e2e.With("ADMIN_PASSWORD", "a-password"))
	w.Start("serve")
	w.Deliver("not JSON")
	w.Quiet()
	retry := func(site string) int {
		status, _, _ := w.Get(w.Admin+"/jobs/api/jobs/retry", func(r *http.Request) {
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
	w.Expect(1, "SELECT count(*) FROM river_job WHERE state = 'cancelled'")
	if status := retry("same-origin"); status != http.StatusOK {
		t.Errorf("a POST of the dashboard itself answered %d, want 200", status)
	}
}

// origin returns a URL without its path.
func origin(url string) string {
	parts := strings.SplitN(url, "/", 4)
	return strings.Join(parts[:3], "/")
}
