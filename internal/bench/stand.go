package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"crmsync/jobs"
)

// stand are what crmsync is compared to, each in a process of its own.
var stand = map[string]func() error{"naive": naive, "empty": empty}

// naive is the least endpoint: one insert a request, without a look at who asks.
func naive() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
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
	e := echo.New()
	e.POST("/webhooks/monday/:secret", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		var told struct {
			Event struct {
				BoardID     int64           `json:"boardId"`
				PulseID     int64           `json:"pulseId"`
				ColumnID    string          `json:"columnId"`
				ColumnType  string          `json:"columnType"`
				Value       json.RawMessage `json:"value"`
				ChangedAt   float64         `json:"changedAt"`
				TriggerUUID string          `json:"triggerUuid"`
			} `json:"event"`
		}
		if err := json.Unmarshal(body, &told); err != nil {
			return err
		}
		ev := told.Event
		_, err = client.Insert(c.Request().Context(), jobs.ColumnUpdateArgs{
			Event:    jobs.Event{Key: ev.TriggerUUID, BoardID: ev.BoardID, ItemID: ev.PulseID, ReceivedAt: time.Now()},
			ColumnID: ev.ColumnID, ColumnType: ev.ColumnType, Value: ev.Value, ChangedAt: ev.ChangedAt,
		}, nil)
		if err != nil {
			return err
		}
		return c.NoContent(http.StatusOK)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: e}
	context.AfterFunc(ctx, func() { server.Close() })
	say("listening", listener.Addr().String())
	say("started", "")
	server.Serve(listener)
	return nil
}

// empty is a River worker that does nothing, with crmsync's settings of the queue.
func empty() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	db, err := connect(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[jobs.ColumnUpdateArgs]) error { return nil }))
	client, err := river.NewClient(riverpgxv5.New(db), &river.Config{
		Queues:            map[string]river.QueueConfig{jobs.QueueEvents: {MaxWorkers: 2000}},
		Workers:           workers,
		FetchCooldown:     5 * time.Millisecond,
		FetchPollInterval: 100 * time.Millisecond,
		Logger:            slog.New(slog.DiscardHandler),
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

func say(msg, addr string) {
	fmt.Fprintf(os.Stderr, `{"msg":%q,"listener":"ingest","addr":%q}`+"\n", msg, addr)
}
