package demo

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

var small = size{accounts: 12, contacts: 20, companies: 8, people: 10, leads: 30, span: 2 * time.Second, late: 300 * time.Millisecond, endSessionAt: 10}

func TestDemo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := &demo{size: small, once: true, out: &out}
	if err := d.run(t.Context()); err != nil {
		t.Fatalf("run() = %v\n%s", err, &out)
	}
	for _, want := range []string{"\nRIGHT: ", "crmsync could not process an event (", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "1 expected, 1 found", "1 ended session", "migrated      32 records in ", "way back      2 edits in Salesforce, 2 of them in Monday",
		"lost webhooks 10 changes; ", "new field     added to the mapping while everything ran: ",
		"1 on both sides at once: Monday's value won 1 times"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not print %q", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
	checkClosed(t, d)
}

// TestDemoSeesWhatIsWrong changes Salesforce without the program's knowledge, to show that the demo can fail.
func TestDemoSeesWhatIsWrong(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	d := &demo{size: small, once: true, out: &out}
	d.tamper = func() {
		id := func(object string) string { return d.Salesforce.Records(object)[0]["Id"].(string) }
		d.Salesforce.Delete("Lead", id("Lead"))
		d.Salesforce.Insert("Account", map[string]any{"Name": d.Salesforce.Records("Account")[1]["Name"]})
		d.Salesforce.Update("Opportunity", id("Opportunity"), map[string]any{"StageName": "Closed Lost"})
		d.Salesforce.Insert("Contact", map[string]any{"LastName": "Nobody"})
		for _, e := range d.scenario.back.edits {
			if e.contrary == "" {
				d.Monday.SetColumn(e.item, "email", map[string]any{"email": "other@example.org", "text": "other@example.org"})
				break
			}
		}
		if _, err := d.DB.Exec(context.Background(), "DELETE FROM conflicts"); err != nil {
			t.Error(err)
		}
		say := url.Values{"text": {"crmsync could not process an event (X).\n• job 1: update_name, board 1003, item 4711"}}
		if _, err := http.PostForm(d.Env["TELEGRAM_API_URL"]+"/bot1/sendMessage", say); err != nil {
			t.Error(err)
		}
	}
	err := d.run(t.Context())
	if !errors.Is(err, errWrong) {
		t.Fatalf("run() = %v, want %v\n%s", err, errWrong, &out)
	}
	for _, want := range []string{"\nWRONG:\n", "\n  lost: Lead ", "\n  doubled: Account ", "\n  stale: Opportunity ", "\n  too many: Contact ",
		"\n  unexpected dead letter of item 4711", " does not show what was entered in Salesforce\n", " was changed on both sides: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not print %q", want)
		}
	}
	if strings.Count(out.String(), "\n  lost: ") > 1 || strings.Count(out.String(), "\n  doubled: ") > 1 {
		t.Error("the demo reports more faults than there are")
	}
	if t.Failed() {
		t.Log(out.String())
	}
	if d.kept == "" {
		t.Error("the log of a failed demo is not kept")
	} else if err := os.Remove(d.kept); err != nil {
		t.Error(err)
	}
	checkClosed(t, d)
}

func TestDemoIsStopped(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		when string // what the demo prints just before
		once bool
		ok   bool
	}{
		"during setup":               {when: "Postgres", ok: true},
		"in the middle":              {when: "actions", ok: true},
		"in the middle, with --once": {when: "actions", once: true}, // without a verdict, the demo has not passed
		"after the scoreboard":       {when: "Look around", ok: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			out := &watchedBuffer{word: tt.when, seen: cancel}
			d := &demo{size: small, once: tt.once, out: out}
			err := d.run(ctx)
			if (err == nil) != tt.ok {
				t.Errorf("run() = %v\n%s", err, out)
			}
			if !strings.HasSuffix(out.String(), "Stopped. Nothing is left behind.\n") {
				t.Errorf("the demo ends with another message:\n%s", out)
			}
			checkClosed(t, d)
		})
	}
}

// checkClosed checks that the stage is gone: no log, no Postgres, no program.
func checkClosed(t *testing.T, d *demo) {
	t.Helper()
	if _, err := os.Stat(d.log.Name()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log still exists: %v", err)
	}
	if _, err := os.Stat(d.place()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of Postgres still exists: %v", err)
	}
}

// watchedBuffer signals when a word is written to it.
type watchedBuffer struct {
	bytes.Buffer
	word string
	seen func()
}

func (b *watchedBuffer) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(b.word)) {
		b.seen()
	}
	return b.Buffer.Write(p)
}
