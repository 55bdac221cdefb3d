package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
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
	"github.com/labstack/echo/v4"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"crmsync/ingest"
	"crmsync/jobs"
)

// The programs that crmsync is compared with.
const (
	oneInsert = "one insert a request"
	oneRow    = "one bare row a request"
	atOnceOK  = "echo that only answers"
	nothing   = "a worker that does nothing"
)

// stands are the programs that crmsync is compared with, each in a separate process.
var stands = map[string]func() error{oneInsert: insertOne, oneRow: commitRow, atOnceOK: answerOnly, nothing: doNothing}

// insertOne is a minimal endpoint: it does not authenticate, and does one insert per request. It is not tuned.
func insertOne() error {
	return storing(func(db *pgxpool.Pool) (http.HandlerFunc, error) {
		client, err := river.NewClient(riverpgxv5.New(db), &river.Config{Logger: slog.New(slog.DiscardHandler)})
		return func(w http.ResponseWriter, r *http.Request) {
			var told struct{ Event webhook }
			err := json.NewDecoder(r.Body).Decode(&told)
			if err == nil {
				_, err = client.Insert(r.Context(), told.Event.args(), nil)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}, err
	})
}

// commitRow is an endpoint that commits each body as a row of a table without indexes: what Postgres allows at most if
// every delivery has a transaction of its own.
func commitRow() error {
	return storing(func(db *pgxpool.Pool) (http.HandlerFunc, error) {
		return func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				_, err = db.Exec(r.Context(), "INSERT INTO bare (body) VALUES ($1)", body)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}, nil
	})
}

// storing serves an endpoint that has a database until a signal.
func storing(endpoint func(*pgxpool.Pool) (http.HandlerFunc, error)) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	db, err := connect(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	handler, err := endpoint(db)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+ingest.Path+"/{secret}", handler)
	return serve(ctx, &http.Server{Handler: mux})
}

// answerOnly is what any endpoint costs: crmsync's server and router, a body that is read, and an answer. It has
// crmsync's settings for collecting garbage.
func answerOnly() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	debug.SetGCPercent(200) // like crmsync
	e := echo.New()
	e.POST(ingest.Path+"/:secret", func(c echo.Context) error {
		if _, err := io.Copy(io.Discard, c.Request().Body); err != nil {
			return err
		}
		return c.JSONBlob(http.StatusOK, []byte(`{"status":"accepted"}`))
	})
	return serve(ctx, ingest.Server("", e))
}

// serve serves on a free port, and says which.
func serve(ctx context.Context, server *http.Server) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { server.Close() })
	say("listening", listener.Addr().String())
	say("started", "")
	_ = server.Serve(listener) // ends with ErrServerClosed
	return nil
}

// webhook is the part of a delivery that the endpoint reads.
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

// args returns the same job that crmsync's ingest creates.
func (w webhook) args() jobs.ColumnUpdateArgs {
	return jobs.ColumnUpdateArgs{
		Event: jobs.Event{
			Key: w.TriggerUUID, Type: w.Type, BoardID: w.BoardID, ItemID: w.PulseID,
			TriggeredAt: w.TriggerTime, ReceivedAt: time.Now().UTC(),
		},
		ColumnID: w.ColumnID, ColumnType: w.ColumnType, Value: w.Value, ChangedAt: w.ChangedAt,
	}
}

// doNothing runs a River worker that does nothing, with the settings of crmsync's.
func doNothing() error {
	debug.SetGCPercent(200) // like crmsync's worker
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
	c.MaxConns = 12 // like crmsync
	return pgxpool.NewWithConfig(ctx, c)
}

// say logs what the bench expects in crmsync's log.
func say(msg, addr string) {
	fmt.Fprintf(os.Stderr, `{"msg":%q,"listener":"ingest","addr":%q}`+"\n", msg, addr)
}
