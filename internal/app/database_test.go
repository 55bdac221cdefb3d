package app

import (
	"bytes"
	"log/slog"
	"net/url"
	"testing"

	"crmsync/schema/schematest"
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

// TestConnectQueue checks that commits of the workers' River client do not wait for the disk and all others do, and that
// there are as many connections as before. A role with fewer connections than it wants shares them.
func TestConnectQueue(t *testing.T) {
	t.Parallel()
	own := schematest.New(t).Config().ConnString()
	tests := map[string]struct {
		role      Role
		options   string
		separate  bool
		ours, all int32
	}{
		"worker":                      {Role{Worker: true}, "", true, 8, 12},
		"worker with few connections": {Role{Worker: true}, "pool_max_conns=11", false, 11, 11},
		"ingest":                      {Role{Ingest: true}, "", false, 12, 12},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &Service{Config: Config{DatabaseURL: withOption(t, own, tt.options), BatchConcurrency: 4}, Role: tt.role,
				Log: slog.New(slog.DiscardHandler)}
			db, disconnect, err := s.connect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer disconnect()
			all := db.Config().MaxConns
			if got := schematest.Ask[string](t, db, "SHOW synchronous_commit"); got != "on" || all != tt.ours {
				t.Errorf("%d connections with synchronous_commit = %s, want %d with on", all, got, tt.ours)
			}
			if got := schematest.Ask[string](t, db, "SHOW jit"); got != "off" {
				t.Errorf("jit = %s, want off", got)
			}
			if separate := s.queueDB != nil; separate != tt.separate {
				t.Fatalf("separate connections: %v, want %v", separate, tt.separate)
			}
			if tt.separate {
				all += s.queueDB.Config().MaxConns
				if got := schematest.Ask[string](t, s.queueDB, "SHOW synchronous_commit"); got != "off" {
					t.Errorf("the queue's connections have synchronous_commit = %s, want off", got)
				}
				if got := schematest.Ask[string](t, s.queueDB, "SHOW jit"); got != "off" {
					t.Errorf("the queue's connections have jit = %s, want off", got)
				}
				if got := schematest.Ask[string](t, s.queueDB, "SHOW idle_in_transaction_session_timeout"); got != "1min" {
					t.Errorf("the queue's connections lack other settings: %s", got)
				}
			}
			if all != tt.all {
				t.Errorf("%d connections, want %d", all, tt.all)
			}
		})
	}
}

// withOption adds an option to a URL.
func withOption(t *testing.T, text, option string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if option != "" {
		u.RawQuery += "&" + option
	}
	return u.String()
}
