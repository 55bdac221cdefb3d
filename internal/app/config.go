package app

import (
	"cmp"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"crmsync/worker/alert"
)

// Config is the checked configuration from the environment. docs/operating.md lists every variable.
type Config struct {
	DatabaseURL string // Postgres 14 or later
	DirectURL   string // the same without a pooler in between, for the schema; empty: DatabaseURL
	Mapping     string // path of the mapping file
	SchemaUp    bool   // apply pending migrations at start

	WebhookSecrets []string // last segment of the webhook's URL; two while it is rotated
	SigningSecrets []string // of the Monday app; two while they are rotated
	IngestAddr     string   // public listener
	IngestURL      string   // its address as Monday reaches it, for doctor; empty: unknown

	AdminAddr      string // internal listener
	AdminUser      string // of operators, in the console and the dashboard; these are mounted only with both
	AdminPassword  string
	ViewerUser     string // of those who may read the console but change nothing
	ViewerPassword string
	UserHeader     string         // header in which a proxy names the user of the console; empty: none is trusted
	UserProxies    []netip.Prefix // from which the header is accepted

	MondayToken   string
	MondayURL     string
	MondayVersion string

	SalesforceLogin      string // My Domain URL
	SalesforceClientID   string
	SalesforceSecret     string   // client-credentials flow
	SalesforceUser       string   // with SalesforcePrivateKey: JWT bearer flow
	SalesforcePrivateKey string   // PEM
	SalesforceVersion    string   // v67.0
	SalesforceHosts      []string // additional hosts that a login may point to

	TelegramToken string
	TelegramChat  string
	TelegramURL   string
	SlackURL      string
	AlertURLs     []string        // additional channels
	AlertPauses   []time.Duration // between messages about one cause
	PublicURL     string          // address of the console, for links in alerts

	MaxAttempts      int           // of an event before it becomes a dead letter
	RetryBase        time.Duration // delay before the second attempt
	RetryMax         time.Duration // longest delay
	JobTimeout       time.Duration // maximum duration of an attempt
	RescueAfter      time.Duration // when a job that a dead worker left running is attempted again
	AlertInterval    time.Duration // how often dead letters and outages are alerted
	LogRetention     time.Duration // how long logs are kept
	BatchSize        int           // maximum number of events in a batch
	BatchConcurrency int           // maximum number of concurrent batches
	MaxWorkers       int           // maximum number of concurrent jobs

	// SalesforceReserve and MondayReserve are the percentages of each system's calls that bulk work leaves to others
	// and to live events.
	SalesforceReserve, MondayReserve int

	// Backfill fills fields that are new in the mapping automatically.
	Backfill bool
	Poll     time.Duration // interval of reading Salesforce's changes; 0: depends on activity and the day's calls
	PollOff  bool          // never

	ShutdownGrace time.Duration // how long running work may take to end

	LogLevel  slog.Level
	LogFormat string // json or text
}

// SchemaURL returns the connection string for migrations of the schema.
func (c Config) SchemaURL() string { return cmp.Or(c.DirectURL, c.DatabaseURL) }

const day = 24 * time.Hour

// Role is a role of a process, which determines the variables it needs.
type Role struct {
	Ingest, Worker bool
}

// ReadConfig reads the variables that a role needs. Its error is a UsageError with all problems, each with its
// variable, but without its value if that may be a secret.
func ReadConfig(getenv func(string) string, r Role) (Config, error) {
	e := NewEnvironment(getenv)
	c := readConfig(e, r)
	return c, e.Err()
}

func readConfig(e *Environment, r Role) Config {
	c := Config{
		DatabaseURL:      e.Database(),
		DirectURL:        e.DirectDatabase(),
		Mapping:          e.Mapping(),
		SchemaUp:         e.oneOf("SCHEMA_UP", "on", "on", "off") == "on",
		AdminAddr:        e.address("ADMIN_ADDR", "127.0.0.1:9090"),
		AdminUser:        e.text("ADMIN_USER", ""),
		AdminPassword:    e.text("ADMIN_PASSWORD", ""),
		MaxAttempts:      e.MaxAttempts(),
		LogFormat:        e.oneOf("LOG_FORMAT", "json", "json", "text"),
		ShutdownGrace:    e.duration("SHUTDOWN_GRACE", 20*time.Second, 100*time.Millisecond, time.Hour),
		BatchSize:        e.number("BATCH_SIZE", 200, 1, 200),
		BatchConcurrency: e.number("BATCH_CONCURRENCY", 4, 1, 64),
		MaxWorkers:       e.number("MAX_WORKERS", 2000, 1, 10_000),

		Backfill: e.oneOf("BACKFILL", "auto", "auto", "off") == "auto",
	}
	if err := c.LogLevel.UnmarshalText([]byte(e.text("LOG_LEVEL", "info"))); err != nil {
		e.Problem("LOG_LEVEL", "must be one of debug, info, warn, error")
	}
	if c.AdminPassword != "" && len(c.AdminPassword) < 8 {
		e.Problem("ADMIN_PASSWORD", "must have at least 8 characters")
	}
	c.readViewer(e)
	if (c.AdminUser == "") != (c.AdminPassword == "") {
		e.Problem("ADMIN_USER, ADMIN_PASSWORD", "belong together: set both or neither")
	}
	if r.Ingest {
		c.ReadIngest(e)
		if !r.Worker {
			c.AdminAddr = e.address("ADMIN_ADDR", "127.0.0.1:9091")
		}
	}
	if r.Worker {
		c.readWorker(e)
	}
	return c
}

// readViewer reads what the console needs besides an operator.
func (c *Config) readViewer(e *Environment) {
	c.ViewerUser, c.ViewerPassword, c.UserHeader = e.text("VIEWER_USER", ""), e.text("VIEWER_PASSWORD", ""),
		e.text("CONSOLE_USER_HEADER", "")
	switch {
	case (c.ViewerUser == "") != (c.ViewerPassword == ""):
		e.Problem("VIEWER_USER, VIEWER_PASSWORD", "belong together: set both or neither")
	case c.ViewerUser != "" && c.AdminUser == "":
		e.Problem("VIEWER_USER", "needs ADMIN_USER and ADMIN_PASSWORD: without an operator there is no console")
	case c.ViewerUser != "" && c.ViewerUser == c.AdminUser:
		e.Problem("VIEWER_USER", "must differ from ADMIN_USER")
	}
	if c.ViewerPassword != "" && len(c.ViewerPassword) < 8 {
		e.Problem("VIEWER_PASSWORD", "must have at least 8 characters")
	}
	if c.UserHeader != "" && !headerName.MatchString(c.UserHeader) {
		e.Problem("CONSOLE_USER_HEADER", "is not the name of a header, such as X-Forwarded-User")
	}
	c.UserProxies = e.networks("CONSOLE_PROXIES", "127.0.0.0/8,::1")
	if c.UserHeader != "" && c.AdminUser == "" {
		e.Problem("CONSOLE_USER_HEADER", "needs ADMIN_USER and ADMIN_PASSWORD: a header alone admits nobody")
	}
}

// headerName matches the names of headers.
var headerName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// ReadIngest reads the variables of the ingest role.
func (c *Config) ReadIngest(e *Environment) {
	c.IngestAddr = e.address("INGEST_ADDR", ":8080")
	c.IngestURL = e.IngestURL()
	c.WebhookSecrets = e.list("WEBHOOK_SECRET")
	if len(c.WebhookSecrets) > 2 {
		e.Problem("WEBHOOK_SECRET", "may have at most two values, separated by a comma")
	}
	for _, secret := range c.WebhookSecrets {
		if len(secret) < 16 || strings.ContainsAny(secret, "/?#% ") {
			e.Problem("WEBHOOK_SECRET", "each value must have at least 16 characters, without / ? # % and spaces: it is a "+
				"segment of a URL")
		}
	}
	c.SigningSecrets = e.list("MONDAY_SIGNING_SECRET")
	if len(c.SigningSecrets) > 2 {
		e.Problem("MONDAY_SIGNING_SECRET", "may have at most two values")
	}
	if len(c.WebhookSecrets) == 0 && len(c.SigningSecrets) == 0 {
		e.Problem("WEBHOOK_SECRET, MONDAY_SIGNING_SECRET",
			"at least one is required: ingest does not start without authentication")
	}
}

// ReadMonday reads the variables of Monday's client.
func (c *Config) ReadMonday(e *Environment) {
	c.MondayToken = e.require("MONDAY_API_TOKEN", e.text("MONDAY_API_TOKEN", ""))
	c.MondayURL = e.url("MONDAY_API_URL", "https://api.monday.com/v2")
	c.MondayVersion = e.text("MONDAY_API_VERSION", "2026-07")
	c.MondayReserve = e.percent("MONDAY_RESERVE", 15)
	_, err := newMonday(*c, newAPIMetrics(nil))
	e.recordRejected(err)
}

// ReadSalesforce reads the variables of Salesforce's client.
func (c *Config) ReadSalesforce(e *Environment) {
	c.SalesforceLogin = e.require("SALESFORCE_LOGIN_URL", e.url("SALESFORCE_LOGIN_URL", ""))
	c.SalesforceClientID = e.require("SALESFORCE_CLIENT_ID", e.text("SALESFORCE_CLIENT_ID", ""))
	c.SalesforceSecret = e.text("SALESFORCE_CLIENT_SECRET", "")
	c.SalesforceReserve = e.percent("SALESFORCE_RESERVE", 15)
	c.SalesforceUser = e.text("SALESFORCE_USERNAME", "")
	c.SalesforcePrivateKey = e.text("SALESFORCE_PRIVATE_KEY", "")
	switch {
	case (c.SalesforceUser == "") != (c.SalesforcePrivateKey == ""):
		e.Problem("SALESFORCE_USERNAME, SALESFORCE_PRIVATE_KEY", "belong together: set both or neither")
	case c.SalesforceSecret == "" && c.SalesforceUser == "":
		e.Problem("SALESFORCE_CLIENT_SECRET", "is required, unless SALESFORCE_USERNAME and SALESFORCE_PRIVATE_KEY are set")
	}
	c.SalesforceVersion = e.text("SALESFORCE_API_VERSION", "v67.0")
	c.SalesforceHosts = e.list("SALESFORCE_INSTANCE_HOSTS")
	_, err := newSalesforce(*c, newAPIMetrics(nil))
	e.recordRejected(err)
}

func (c *Config) readWorker(e *Environment) {
	c.ReadMonday(e)
	c.ReadSalesforce(e)
	c.TelegramToken, c.TelegramChat = e.text("TELEGRAM_BOT_TOKEN", ""), e.text("TELEGRAM_CHAT_ID", "")
	if (c.TelegramToken == "") != (c.TelegramChat == "") {
		e.Problem("TELEGRAM_BOT_TOKEN, TELEGRAM_CHAT_ID", "belong together: set both or neither")
	}
	c.TelegramURL = e.url("TELEGRAM_API_URL", "https://api.telegram.org")
	c.SlackURL = e.url("SLACK_WEBHOOK_URL", "")
	_, err := NewChannels(*c)
	e.recordRejected(err)
	c.AlertURLs = strings.Fields(e.text("ALERT_URLS", ""))
	if _, err := alert.NewServices(c.AlertURLs); err != nil {
		e.Problem("ALERT_URLS", err.Error())
	}
	c.AlertPauses = e.durations("ALERT_PAUSES", []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour},
		0, 7*day)
	c.PublicURL = e.page("PUBLIC_URL")

	c.RetryBase = e.duration("RETRY_BASE", 2*time.Second, 10*time.Millisecond, day)
	c.RetryMax = e.duration("RETRY_MAX", time.Hour, 10*time.Millisecond, 7*day)
	if c.RetryMax < c.RetryBase {
		e.Problem("RETRY_MAX", "must not be shorter than RETRY_BASE")
	}
	c.JobTimeout = e.duration("JOB_TIMEOUT", time.Minute, time.Second, time.Hour)
	c.RescueAfter = e.duration("RESCUE_AFTER", 90*time.Second, 2*time.Second, day)
	if c.RescueAfter <= c.JobTimeout {
		e.Problem("RESCUE_AFTER", "must be longer than JOB_TIMEOUT: a job that is still running would be run twice")
	}
	c.Poll, c.PollOff = e.poll("SALESFORCE_POLL")
	c.AlertInterval = e.duration("ALERT_INTERVAL", 10*time.Second, 50*time.Millisecond, time.Hour)
	c.LogRetention = e.duration("LOG_RETENTION", 90*day, time.Hour, 3650*day)
}
