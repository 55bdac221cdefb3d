package ingest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"crmsync/ingest"
	"crmsync/jobs"
	"crmsync/schema/queue"
	"crmsync/schema/schematest"
)

// TestUniqueByKey checks for every kind that River gives a job the key by which ingest recognizes it, whatever else is
// in the args.
func TestUniqueByKey(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t)
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{})
	if err != nil {
		t.Fatal(err)
	}
	event := jobs.Event{Key: `u:1:<"c">`, BoardID: 1, ReceivedAt: time.Unix(1, 0)}
	for _, args := range []river.JobArgs{
		jobs.ColumnUpdateArgs{Event: event}, jobs.ItemCreateArgs{Event: event}, jobs.ItemRenameArgs{Event: event},
		jobs.ItemDeleteArgs{Event: event}, jobs.ItemRestoreArgs{Event: event}, jobs.UnreadableArgs{Key: event.Key},
	} {
		job := queue.Job{Kind: args.Kind(), Key: queue.KeyOf(args.Kind(), event.Key), Args: []byte(`{}`)}
		if _, err := client.InsertMany(t.Context(), []river.InsertManyParams{{Args: args}}); err != nil {
			t.Fatal(err)
		}
		if found, err := queued(pool).Queued(t.Context(), []queue.Job{job}); err != nil || !found[job.Key] {
			t.Errorf("a job of kind %s has another key, %v", job.Kind, err)
		}
	}
}

// TestTogether sends many deliveries at once, each of them several times, while another ingest gets in the way.
func TestTogether(t *testing.T) {
	t.Parallel()
	const keys, times = 50, 5
	pool := schematest.New(t)
	var groups atomic.Int32
	b := setup(t, pool, ingest.Config{Secrets: []string{secret}, Queue: relay{queued(pool), func(all []queue.Job, insert func() error) error {
		if len(all) > 1 && groups.Add(1) == 1 {
			return &pgconn.PgError{Code: "40P01"} // deadlock
		}
		return insert()
	}}})
	answers := make([]sync.Map, keys)
	var done sync.WaitGroup
	for n := range keys * times {
		done.Go(func() {
			key := n % keys
			body := event("create_pulse", fmt.Sprintf(`,"pulseName":"item %d","triggerUuid":"u%d"`, key, key))
			w := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", body)
			count, _ := answers[key].LoadOrStore(w.Body.String(), new(atomic.Int32))
			count.(*atomic.Int32).Add(1)
		})
	}
	done.Wait()
	for key := range answers {
		got := map[string]int32{}
		answers[key].Range(func(answer, n any) bool { got[answer.(string)] = n.(*atomic.Int32).Load(); return true })
		want := map[string]int32{`{"status":"accepted"}`: 1, `{"status":"duplicate"}`: times - 1}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("answers of key %d (-want +got):\n%s", key, diff)
		}
	}
	_, args := b.jobs(t)
	got := map[any]any{}
	for _, a := range args {
		got[a["key"]] = a["name"]
	}
	for key := range keys {
		stored, want := fmt.Sprintf("u%d:12736724196", key), fmt.Sprintf("item %d", key)
		if got[stored] != want {
			t.Errorf("name of key %s = %v, want %s", stored, got[stored], want)
		}
	}
	if len(args) != keys {
		t.Errorf("%d jobs, want %d", len(args), keys)
	}
}

// relay sits between the handler and the queue. It may change the jobs, and the result of inserting them.
type relay struct {
	ingest.Queue
	around func(all []queue.Job, insert func() error) error
}

func (r relay) Insert(ctx context.Context, maxAttempts int, all []queue.Job) error {
	return r.around(all, func() error { return r.Queue.Insert(ctx, maxAttempts, all) })
}

// TestOneRejected puts a value that jsonb rejects into one of many deliveries, past the decoder.
func TestOneRejected(t *testing.T) {
	t.Parallel()
	values := map[string]struct{ value, reason string }{
		"NUL":       {`"\u0000"`, "not storable: SQLSTATE 22P05"},
		"too big":   {`1e200000`, "not storable: SQLSTATE 22003"},
		"half JSON": {`{`, "not storable: SQLSTATE 22P02"},
	}
	for name, tt := range values {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gate := make(chan struct{}) // holds the first until the others wait
			pool := schematest.New(t)
			spoilt := queue.KeyOf(jobs.KindColumnUpdate, "u13:12736724196:c")
			q := relay{queued(pool), func(all []queue.Job, insert func() error) error {
				<-gate
				for n, j := range all {
					if j.Key == spoilt {
						all[n].Args = []byte(`{"key":"u13","value":` + tt.value + `}`)
					}
				}
				return insert()
			}}
			b := setup(t, pool, ingest.Config{Secrets: []string{secret}, Queue: q})
			const all = 20
			var done sync.WaitGroup
			for n := range all {
				done.Go(func() {
					body := event("update_column_value", fmt.Sprintf(`,"columnId":"c","columnType":"text","value":{"value":"v"},"triggerUuid":"u%d"`, n))
					if w := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", body); w.Code != http.StatusOK {
						t.Errorf("answer %d = %d %s", n, w.Code, w.Body)
					}
				})
			}
			close(gate)
			done.Wait()
			kinds, args := b.jobs(t)
			unreadable := 0
			for n, kind := range kinds {
				if kind == jobs.KindUnreadable {
					unreadable++
					if reason := args[n]["reason"]; reason != tt.reason {
						t.Errorf("reason = %q, want %q", reason, tt.reason)
					}
				}
			}
			if len(kinds) != all || unreadable != 1 {
				t.Errorf("%d jobs, %d unreadable; want %d and 1", len(kinds), unreadable, all)
			}
		})
	}
}

func TestInsertFaults(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t)
	tests := map[string]struct {
		first  func(insert func() error) error
		status int
		again  string // the answer to the repeat, which meets no fault
	}{
		"commit outcome unknown": {func(insert func() error) error {
			if err := insert(); err != nil {
				return err
			}
			return context.DeadlineExceeded
		}, 503, `{"status":"duplicate"}`},
		"shutting down": {func(func() error) error { return &pgconn.PgError{Code: "57P01"} }, 503, `{"status":"accepted"}`},
		"deadlock":      {func(func() error) error { return &pgconn.PgError{Code: "40P01"} }, 503, `{"status":"accepted"}`},
		"panic":         {func(func() error) error { panic("Jane Doe") }, 503, `{"status":"accepted"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := event("create_pulse", fmt.Sprintf(`,"triggerUuid":%q`, name))
			var calls atomic.Int32
			b := setup(t, pool, ingest.Config{Secrets: []string{secret}, Queue: relay{queued(pool), func(_ []queue.Job, insert func() error) error {
				if calls.Add(1) == 1 {
					return tt.first(insert)
				}
				return insert()
			}}})
			w := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", body)
			if w.Code != tt.status {
				t.Errorf("answer = %d %s, want %d", w.Code, w.Body, tt.status)
			}
			if w := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", body); w.Body.String() != tt.again {
				t.Errorf("answer to the repeat = %d %s, want %s", w.Code, w.Body, tt.again)
			}
			if strings.Contains(b.log.String(), "Jane") {
				t.Errorf("the log contains a value: %s", b.log)
			}
		})
	}
}

// TestPostgresAway sends to a server that accepts connections and never replies. The wait ends well within the promised
// 2 s.
func TestPostgresAway(t *testing.T) {
	t.Parallel()
	away, err := pgxpool.New(t.Context(), "postgres://nobody@"+silent(t)+"/none?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(away.Close)
	b := setup(t, away, ingest.Config{Secrets: []string{secret}, Queue: queued(away), AnswerWithin: ingest.AnswerWithin})
	if ingest.AnswerWithin > 1800*time.Millisecond {
		t.Errorf("a webhook waits %v for Postgres", ingest.AnswerWithin)
	}
	var done sync.WaitGroup
	for n := range 100 {
		done.Go(func() {
			w := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", event("create_pulse", fmt.Sprintf(`,"triggerUuid":"u%d"`, n)))
			if w.Code != http.StatusServiceUnavailable {
				t.Errorf("answer = %d", w.Code)
			}
		})
	}
	done.Wait()
	if got := b.counted(t)["create_pulse unavailable"]; got != 100 {
		t.Errorf("counted %v as unavailable", got)
	}
}

// TestBodyInUse reads a second delivery while the first, which was refused meanwhile, is still being stored: it must not
// use the first one's memory.
func TestBodyInUse(t *testing.T) {
	t.Parallel()
	pool := schematest.New(t)
	gate, read, stored := make(chan struct{}), make(chan struct{}), make(chan string, 2)
	b := setup(t, pool, ingest.Config{Secrets: []string{secret}, AnswerWithin: 100 * time.Millisecond,
		Queue: relay{queued(pool), func(all []queue.Job, insert func() error) error {
			<-gate
			stored <- string(all[0].Args)
			return insert()
		}}})
	body := func(name string) string {
		return event("update_column_value", fmt.Sprintf(`,"columnId":"c","columnType":"text","value":{"value":%q}`, name))
	}
	w := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", body("first"))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("answer after the time limit = %d", w.Code)
	}
	var once sync.Once
	other := body(strings.Repeat("other", 200)) // as long as all that the first one used
	second := io.MultiReader(strings.NewReader(other), ender(func() { once.Do(func() { close(read) }) }))
	go func() { <-read; close(gate) }()
	r := httptest.NewRequest(http.MethodPost, "/webhooks/monday/"+secret, second)
	r.ContentLength = int64(len(other)) // a body of unknown length gets memory of its own
	b.ServeHTTP(httptest.NewRecorder(), r)
	if got := <-stored; !strings.Contains(got, `"value":{"value":"first"}`) {
		t.Errorf("the first delivery became %s", got)
	}
}

// ender signals when everything before it has been read.
type ender func()

func (e ender) Read([]byte) (int, error) { e(); return 0, io.EOF }
