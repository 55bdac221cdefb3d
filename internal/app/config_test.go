package app

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestDefaults checks the defaults of variables that are not set.
func TestDefaults(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"DATABASE_URL": "postgres://127.0.0.1/crmsync", "WEBHOOK_SECRET": "a-webhook-secret-of-32-characters", "MONDAY_API_TOKEN": "token",
		"SALESFORCE_LOGIN_URL": "https://example.my.salesforce.com", "SALESFORCE_CLIENT_ID": "id", "SALESFORCE_CLIENT_SECRET": "hush",
	}
	want := Config{
		DatabaseURL: "postgres://127.0.0.1/crmsync", Mapping: "mapping.yaml", SchemaUp: true, WebhookSecrets: []string{"a-webhook-secret-of-32-characters"}, IngestAddr: ":8080",
		AdminAddr: "127.0.0.1:9090", UserProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}, MondayToken: "token", MondayURL: "https://api.monday.com/v2", MondayVersion: "2026-07",
		SalesforceLogin: "https://example.my.salesforce.com", SalesforceClientID: "id", SalesforceSecret: "hush", SalesforceVersion: "v67.0",
		TelegramURL: "https://api.telegram.org", MaxAttempts: 12, RetryBase: 2 * time.Second, RetryMax: time.Hour, JobTimeout: time.Minute,
		RescueAfter: 90 * time.Second, AlertInterval: 10 * time.Second, AlertURLs: []string{},
		AlertPauses: []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour}, BatchSize: 200, BatchConcurrency: 4, MaxWorkers: 2000, SalesforceReserve: 15, MondayReserve: 15, Backfill: true,
		LogRetention: 90 * 24 * time.Hour, ShutdownGrace: 20 * time.Second, LogLevel: slog.LevelInfo, LogFormat: "json",
	}
	got, err := ReadConfig(func(name string) string { return env[name] }, Role{Ingest: true, Worker: true})
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); err != nil || diff != "" {
		t.Errorf("error %v, defaults (-want +got):\n%s", err, diff)
	}
	got, err = ReadConfig(func(name string) string { return env[name] }, Role{Ingest: true})
	if err != nil || got.AdminAddr != "127.0.0.1:9091" {
		t.Errorf("ingest alone: admin address %s, error %v", got.AdminAddr, err)
	}
}
