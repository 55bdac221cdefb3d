package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"crmsync/ingest"
	"crmsync/jobs"
)

// What crmsync is held against.
const (
	oneInsert = "one insert a request"
	nothing   = "a worker that does nothing"
)

// stands are the programs that crmsync is held against, each in a process of its own.
var stands = map[string]func() error{oneInsert: insertOne, nothing: doNothing}

// insertOne is the least endpoint: it does not look who asks, and makes one insert a request. Nothing of it is tuned.
func insertOne() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	db, err := connect(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	client, err := river.NewClient(riverpgxv5.New(db), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+ingest.Path+"/{secret}", func(w http.ResponseWriter, r *http.Request) {
		var told struct{ Event webhook }
		err := json.NewDecoder(r.Body).Decode(&told)
		if err == nil {
			_, err = client.Insert(r.Context(), told.Event.args(), nil)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux}
	context.AfterFunc(ctx, func() { server.Close() })
	say("listening", listener.Addr().String())
	say("started", "")
	server.Serve(listener) // ends with ErrServerClosed
	return nil
}

// webhook is what the endpoint reads of a delivery.
type webhook struct {
	Type        string          `json:"type"`
	BoardID     int64           `json:"boardId"`
	PulseID     int64           `json:"pulseId"`
	ColumnID    string          `json:"columnId"`
	ColumnType  string          `json:"columnType"`
	Value       json.RawMessage `json:"value"`
	ChangedAt   float64         `json:"changedAt"`
	TriggerTime time.Time       `json:"triggerTime"`
	TriggerUUID string          `json:"triggerUuid"`
}

// args is the same job as crmsync's ingest makes.
func (w webhook) args() jobs.ColumnUpdateArgs {
	return jobs.ColumnUpdateArgs{
		Event: jobs.Event{
			Key: w.TriggerUUID, Type: w.Type, BoardID: w.BoardID, ItemID: w.PulseID,
			TriggeredAt: w.TriggerTime, ReceivedAt: time.Now().UTC(),
		},
		ColumnID: w.ColumnID, ColumnType: w.ColumnType, Value: w.Value, ChangedAt: w.ChangedAt,
	}
}

// doNothing is a River worker that does nothing, with the settings of crmsync's.
func doNothing() error {
	debug.SetGCPercent(200) // as crmsync's worker has it
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	db, err := connect(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[jobs.ColumnUpdateArgs]) error { return nil }))
	most, err := strconv.Atoi(cmp.Or(os.Getenv("MAX_WORKERS"), "2000"))
	if err != nil {
		return fmt.Errorf("MAX_WORKERS: %w", err)
	}
	client, err := river.NewClient(riverpgxv5.New(db), &river.Config{
		Queues:               map[string]river.QueueConfig{jobs.QueueEvents: {MaxWorkers: most}},
		Workers:              workers,
		FetchCooldown:        5 * time.Millisecond,
		FetchPollInterval:    100 * time.Millisecond,
		JobTimeout:           time.Minute,
		RescueStuckJobsAfter: 90 * time.Second,
		Logger:               slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	say("started", "")
	<-ctx.Done()
	return client.Stop(context.Background())
}

func connect(ctx context.Context) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		return nil, err
	}
	c.MaxConns = 12 // as many as crmsync has
	return pgxpool.NewWithConfig(ctx, c)
}

// say tells the bench what crmsync's log tells it.
func say(msg, addr string) {
	fmt.Fprintf(os.Stderr, `{"msg":%q,"listener":"ingest","addr":%q}`+"\n", msg, addr)
}
