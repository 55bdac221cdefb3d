package app

import (
	"bytes"
	"log/slog"
	"testing"
)

// TestConnectAway checks that the log claims no connection while Postgres does not answer.
func TestConnectAway(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := &Service{
		Config: Config{DatabaseURL: "postgres://crmsync@127.0.0.1:1/crmsync", BatchConcurrency: 4},
		Log:    slog.New(slog.NewTextHandler(&log, nil)),
	}
	db, err := s.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	if log.Len() > 0 {
		t.Errorf("logged %s", &log)
	}
	if !s.polls {
		t.Error("the queue does not poll, although nothing is known about the connection")
	}
}
