package reject_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
)

// cause is a cause in the output of crmsync errors --json.
type cause struct {
	Cause, System, Code, Object, Field, Means, Advice string
	Open                                              int                         `json:"dead_letters"`
	Items                                             int                         `json:"items"`
	Example                                           int64                       `json:"example_job"`
	OpenDeadLetters                                   []struct{ Job, Item int64 } `json:"open_letters"`
	ClosedAt                                          string                      `json:"closed_at"`
}

func causes(w *e2e.World, args ...string) (found []cause) {
	w.T.Helper()
	if err := json.Unmarshal([]byte(w.Crmsync(append([]string{"errors", "--json"}, args...)...)), &found); err != nil {
		w.T.Fatal(err)
	}
	return found
}

// TestCauses: dead letters of one cause are listed once with advice and replayed together, and then the cause closes
// itself; those of another cause stay until a person ignores them.
func TestCauses(t *testing.T) {
	t.Parallel()
	w, first, job, allow := rejected(t)
	second := w.Lead("Charles Babbage", "Analytical Engines")
	w.Quiet()
	w.Monday.SetColumn(second, "email", e2e.Email("charles@example.org"))
	w.Deliver("not JSON")
	w.Quiet()
	w.Alerted()
	found := causes(w)
	if len(found) != 2 {
		t.Fatalf("causes %+v, want 2", found)
	}
	rejection, unreadable := found[0], found[1]
	if rejection.System != "salesforce" || rejection.Code != e2e.Rejection || rejection.Object != "Lead" || rejection.Field != "Email" ||
		rejection.Open != 2 || rejection.Items != 2 || rejection.Example != job || !strings.Contains(rejection.Advice, "Correct the value") {
		t.Errorf("cause %+v", rejection)
	}
	if unreadable.System != "crmsync" || unreadable.Code != "UNREADABLE" || unreadable.Open != 1 {
		t.Errorf("cause %+v", unreadable)
	}
	one := causes(w, "--cause", rejection.Cause)
	if len(one) != 1 || len(one[0].OpenDeadLetters) != 2 || one[0].OpenDeadLetters[0].Item != first || one[0].OpenDeadLetters[1].Item != second {
		t.Errorf("the cause with its dead letters: %+v", one)
	}
	for _, text := range []string{w.Crmsync("errors"), w.Crmsync("errors", "--cause", rejection.Cause)} {
		if strings.Contains(text, "example.org") || !strings.Contains(text, rejection.Cause) || !strings.Contains(text, "2 dead letters of 2 items") {
			t.Errorf("the list:\n%s", text)
		}
	}

	dry := w.Crmsync("replay", "--code", "invalid_email_address", "--board", "leads", "--since", "1h", "--dry-run")
	if !strings.Contains(dry, fmt.Sprint(job)) || strings.Count(dry, "\n") != 3 {
		t.Errorf("the dry run:\n%s", dry)
	}
	w.Expect(3, "SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL")
	for _, args := range [][]string{
		{"replay", "--cause", "nothing"}, {"replay", "--cause", rejection.Cause, "7"}, {"replay", "--all", "--code", "X"}, {"replay", "--board", "nowhere"},
		{"replay", "--since", "yesterday"}, {"ignore"}, {"ignore", "--cause", rejection.Cause, "7"}, {"ignore", "--cause", "nothing"}, {"errors", "--cause", "nothing"},
	} {
		if code, stdout, stderr := w.Command(args...); code != cli.ExitUsage || stdout != "" || stderr == "" {
			t.Errorf("%v: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}

	allow()
	if code, stdout, stderr := w.Command("replay", "--cause", rejection.Cause); code != cli.ExitDone || stdout != "2 put back into the queue.\n" {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	w.Quiet()
	w.Holds(w.Record("Lead", first), map[string]any{"Email": "ada@example.org"})
	w.Holds(w.Record("Lead", second), map[string]any{"Email": "charles@example.org"})
	w.Eventually("the cause closes itself", func() bool { return causes(w, "--cause", rejection.Cause)[0].ClosedAt != "" })
	if code, stdout, stderr := w.Command("ignore", "--cause", unreadable.Cause); code != cli.ExitDone || stdout != "1 dead letter ignored.\n" {
		t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
	}
	w.Eventually("nothing is open", func() bool { return strings.HasPrefix(w.Crmsync("errors"), "Nothing is open") })
}

// TestKnownAtOnce: as soon as an event has failed, errors and status say so, long before the next alert is due. A role
// that may only read learns that the cause is not determined yet.
func TestKnownAtOnce(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.With("ALERT_INTERVAL", "1h"))
	w.Reject("Lead", "Email", "refused@example.org")
	w.Lead("Ada Lovelace", "Engines", map[string]any{"email": e2e.Email("refused@example.org")})
	w.Quiet()
	own := w.Env["DATABASE_URL"]
	readOnly, err := url.Parse(w.DB.Config().ConnString()) // a pooler in transaction mode takes no such parameter
	if err != nil {
		t.Fatal(err)
	}
	query := readOnly.Query()
	query.Set("default_transaction_read_only", "on")
	readOnly.RawQuery = query.Encode()
	w.Env["DATABASE_URL"] = readOnly.String()
	if out := w.Crmsync("errors"); !strings.Contains(out, "1 dead letter without a cause yet") || strings.Contains(out, "Nothing is open") {
		t.Errorf("errors, reading only:\n%s", out)
	}
	w.Env["DATABASE_URL"] = own
	if out := w.Crmsync("status"); !regexp.MustCompile(`\ndead letters +1: crmsync errors\n`).MatchString(out) {
		t.Errorf("status:\n%s", out)
	}
	if out := w.Crmsync("errors"); !strings.Contains(out, "Lead.Email: ") || strings.Contains(out, "without a cause") {
		t.Errorf("errors:\n%s", out)
	}
}
