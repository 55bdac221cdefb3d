package app

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/worker/alert"
)

// Config is the environment, read and checked. README.md tells every variable.
type Config struct {
	DatabaseURL string // Postgres 14 or later
	Mapping     string // path of the mapping file
	SchemaUp    bool   // apply pending migrations at start

	WebhookSecrets []string // last segment of the webhook's URL; two while it is rotated
	SigningSecrets []string // of the Monday app; two while they are rotated
	IngestAddr     string   // public listener

	AdminAddr     string // internal listener: metrics, health, dashboard
	AdminUser     string // of the dashboard; it is mounted only with both
	AdminPassword string

	MondayToken   string
	MondayURL     string
	MondayVersion string

	SalesforceLogin      string // My Domain URL
	SalesforceClientID   string
	SalesforceSecret     string   // client-credentials flow
	SalesforceUser       string   // with SalesforcePrivateKey: JWT bearer flow
	SalesforcePrivateKey string   // PEM
	SalesforceVersion    string   // v67.0
	SalesforceHosts      []string // further hosts that a token answer may point to

	TelegramToken string
	TelegramChat  string
	TelegramURL   string
	SlackURL      string

	MaxAttempts      int           // tries of an event before it is a dead letter
	RetryBase        time.Duration // delay before the second try
	RetryMax         time.Duration // longest delay
	JobTimeout       time.Duration // longest a try may run
	RescueAfter      time.Duration // when a job that a dead worker left running is taken up again
	AlertInterval    time.Duration // how often dead letters are swept up
	LogRetention     time.Duration // how long logs are kept
	BatchSize        int           // most events in a batch
	BatchConcurrency int           // most batches at once
	MaxWorkers       int           // most jobs at once
	ShutdownGrace    time.Duration // how long what runs may take to end

	LogLevel  slog.Level
	LogFormat string // json or text
}

// Role is what a process needs of the environment.
type Role struct {
	Ingest, Worker bool
}

// ReadConfig reads the variables that a role needs. Its error is a UsageError that has all problems at once,
// each with its variable and without its value where that may be a secret.
func ReadConfig(getenv func(string) string, r Role) (Config, error) {
	e := &Environment{getenv: getenv}
	c := Config{
		DatabaseURL:      e.Database(),
		Mapping:          e.Mapping(),
		SchemaUp:         e.oneOf("SCHEMA_UP", "on", "on", "off") == "on",
		AdminAddr:        e.address("ADMIN_ADDR", "127.0.0.1:9090"),
		AdminUser:        e.text("ADMIN_USER", ""),
		AdminPassword:    e.text("ADMIN_PASSWORD", ""),
		MaxAttempts:      e.MaxAttempts(),
		LogFormat:        e.oneOf("LOG_FORMAT", "json", "json", "text"),
		ShutdownGrace:    e.duration("SHUTDOWN_GRACE", 20*time.Second),
		BatchSize:        e.number("BATCH_SIZE", 200, 1, 200),
		BatchConcurrency: e.number("BATCH_CONCURRENCY", 4, 1, 64),
		MaxWorkers:       e.number("MAX_WORKERS", 2000, 1, 10_000),
	}
	if err := c.LogLevel.UnmarshalText([]byte(e.text("LOG_LEVEL", "info"))); err != nil {
		e.Problem("LOG_LEVEL", "is none of debug, info, warn, error")
	}
	if (c.AdminUser == "") != (c.AdminPassword == "") {
		e.Problem("ADMIN_USER, ADMIN_PASSWORD", "belong together: set both or none")
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
	return c, e.Err()
}

// ReadIngest reads the variables of the ingest role.
func (c *Config) ReadIngest(e *Environment) {
	c.IngestAddr = e.address("INGEST_ADDR", ":8080")
	c.WebhookSecrets = e.list("WEBHOOK_SECRET")
	if len(c.WebhookSecrets) > 2 {
		e.Problem("WEBHOOK_SECRET", "may have two values at most, separated by a comma")
	}
	for _, secret := range c.WebhookSecrets {
		if len(secret) < 16 || strings.ContainsAny(secret, "/?#% ") {
			e.Problem("WEBHOOK_SECRET", "each value must have at least 16 characters, without / ? # % and spaces: it is a segment of a URL")
		}
	}
	c.SigningSecrets = e.list("MONDAY_SIGNING_SECRET")
	if len(c.SigningSecrets) > 2 {
		e.Problem("MONDAY_SIGNING_SECRET", "may have two values at most")
	}
	if len(c.WebhookSecrets) == 0 && len(c.SigningSecrets) == 0 {
		e.Problem("WEBHOOK_SECRET, MONDAY_SIGNING_SECRET", "at least one is required: ingest does not start open")
	}
}

// ReadMonday reads the variables of Monday's client.
func (c *Config) ReadMonday(e *Environment) {
	c.MondayToken = e.require("MONDAY_API_TOKEN", e.text("MONDAY_API_TOKEN", ""))
	c.MondayURL = e.url("MONDAY_API_URL", "https://api.monday.com/v2")
	c.MondayVersion = e.text("MONDAY_API_VERSION", "2026-07")
}

// ReadSalesforce reads the variables of Salesforce's client.
func (c *Config) ReadSalesforce(e *Environment) {
	c.SalesforceLogin = e.require("SALESFORCE_LOGIN_URL", e.url("SALESFORCE_LOGIN_URL", ""))
	c.SalesforceClientID = e.require("SALESFORCE_CLIENT_ID", e.text("SALESFORCE_CLIENT_ID", ""))
	c.SalesforceSecret = e.text("SALESFORCE_CLIENT_SECRET", "")
	c.SalesforceUser = e.text("SALESFORCE_USERNAME", "")
	c.SalesforcePrivateKey = e.text("SALESFORCE_PRIVATE_KEY", "")
	switch {
	case (c.SalesforceUser == "") != (c.SalesforcePrivateKey == ""):
		e.Problem("SALESFORCE_USERNAME, SALESFORCE_PRIVATE_KEY", "belong together: set both or none")
	case c.SalesforceSecret == "" && c.SalesforceUser == "":
		e.Problem("SALESFORCE_CLIENT_SECRET", "is required, unless SALESFORCE_USERNAME and SALESFORCE_PRIVATE_KEY are set")
	}
	if _, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(c.SalesforcePrivateKey)); c.SalesforcePrivateKey != "" && err != nil {
		e.Problem("SALESFORCE_PRIVATE_KEY", "is no RSA private key in PEM")
	}
	c.SalesforceVersion = e.text("SALESFORCE_API_VERSION", "v67.0")
	c.SalesforceHosts = e.list("SALESFORCE_INSTANCE_HOSTS")
}

func (c *Config) readWorker(e *Environment) {
	c.ReadMonday(e)
	c.ReadSalesforce(e)
	c.TelegramToken, c.TelegramChat = e.text("TELEGRAM_BOT_TOKEN", ""), e.text("TELEGRAM_CHAT_ID", "")
	if (c.TelegramToken == "") != (c.TelegramChat == "") {
		e.Problem("TELEGRAM_BOT_TOKEN, TELEGRAM_CHAT_ID", "belong together: set both or none")
	}
	c.TelegramURL = e.url("TELEGRAM_API_URL", "https://api.telegram.org")
	c.SlackURL = e.url("SLACK_WEBHOOK_URL", "")

	c.RetryBase, c.RetryMax = e.duration("RETRY_BASE", 2*time.Second), e.duration("RETRY_MAX", time.Hour)
	if c.RetryMax < c.RetryBase {
		e.Problem("RETRY_MAX", "must not be shorter than RETRY_BASE")
	}
	c.JobTimeout, c.RescueAfter = e.duration("JOB_TIMEOUT", time.Minute), e.duration("RESCUE_AFTER", 90*time.Second)
	if c.RescueAfter <= c.JobTimeout {
		e.Problem("RESCUE_AFTER", "must be longer than JOB_TIMEOUT: a job that still runs would be taken up twice")
	}
	c.AlertInterval = e.duration("ALERT_INTERVAL", 10*time.Second)
	c.LogRetention = e.duration("LOG_RETENTION", 90*24*time.Hour)
}

// tryClients says what the clients refuse of the environment, before anything is touched. They name it in the words of
// the variable, as "monday API token: ...".
func tryClients(c Config) (problems error) {
	m := newAPIMetrics(nil)
	_, salesforce := newSalesforce(c, m)
	_, monday := newMonday(c, m)
	_, channels := newChannels(c, slog.New(slog.DiscardHandler))
	for _, err := range []error{salesforce, monday, channels} {
		if err == nil {
			continue
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			name, what, _ := strings.Cut(line, ": ")
			problems = errors.Join(problems, fmt.Errorf("%s: %s", strings.ToUpper(strings.ReplaceAll(name, " ", "_")), what))
		}
	}
	return problems
}

// UsageError is a fault of the caller: in the arguments, the environment or the mapping.
type UsageError struct{ Err error }

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// Environment reads variables and collects what is wrong with them.
type Environment struct {
	getenv   func(string) string
	problems []error
}

// NewEnvironment reads variables by a function such as os.Getenv.
func NewEnvironment(getenv func(string) string) *Environment { return &Environment{getenv: getenv} }

// text is a variable, or the content of the file that NAME_FILE names, or the fallback.
func (e *Environment) text(name, fallback string) string {
	value, file := e.getenv(name), e.getenv(name+"_FILE")
	switch {
	case value != "" && file != "":
		e.Problem(name, "is set twice: here and by "+name+"_FILE")
	case file != "":
		content, err := os.ReadFile(file)
		if err != nil {
			e.Problem(name+"_FILE", "cannot be read: "+cause(err).Error())
		}
		value = strings.TrimSpace(string(content))
	}
	return cmp.Or(value, fallback)
}

func (e *Environment) list(name string) (values []string) {
	for value := range strings.SplitSeq(e.text(name, ""), ",") {
		if value = strings.TrimSpace(value); value != "" {
			values = append(values, value)
		}
	}
	return values
}

func (e *Environment) duration(name string, fallback time.Duration) time.Duration {
	text := e.text(name, "")
	if text == "" {
		return fallback
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		e.Problem(name, fmt.Sprintf("%q is no duration above zero, such as 1500ms, 20s or 2m", text))
		return fallback
	}
	return d
}

func (e *Environment) number(name string, fallback, least, most int) int {
	text := e.text(name, "")
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		e.Problem(name, fmt.Sprintf("%q is no number from %d to %d", text, least, most))
		return fallback
	}
	return n
}

func (e *Environment) oneOf(name, fallback string, values ...string) string {
	text := e.text(name, fallback)
	for _, value := range values {
		if text == value {
			return text
		}
	}
	e.Problem(name, fmt.Sprintf("%q is none of %s", text, strings.Join(values, ", ")))
	return fallback
}

func (e *Environment) address(name, fallback string) string {
	text := e.text(name, fallback)
	if _, _, err := net.SplitHostPort(text); err != nil {
		e.Problem(name, fmt.Sprintf("%q is no address such as :8080 or 127.0.0.1:9090", text))
	}
	return text
}

func (e *Environment) url(name, fallback string) string {
	text := e.text(name, fallback)
	if text == "" {
		return text
	}
	if err := alert.CheckURL(text); err != nil {
		e.Problem(name, err.Error())
		return fallback
	}
	return text
}

// Database is DATABASE_URL, which every command that needs Postgres requires.
func (e *Environment) Database() string {
	url := e.require("DATABASE_URL", e.text("DATABASE_URL", ""))
	if _, err := pgxpool.ParseConfig(url); url != "" && err != nil {
		e.Problem("DATABASE_URL", "is not a valid Postgres URL")
	}
	return url
}

// Mapping is the path of the mapping file.
func (e *Environment) Mapping() string { return e.text("MAPPING", "mapping.yaml") }

// MaxAttempts is how often an event is tried before it is a dead letter.
func (e *Environment) MaxAttempts() int { return e.number("MAX_ATTEMPTS", 12, 1, 1000) }

func (e *Environment) require(name, value string) string {
	if value == "" && !e.named(name) {
		e.Problem(name, "is required")
	}
	return value
}

// Problem notes what is wrong with a variable or an argument, once.
func (e *Environment) Problem(name, what string) {
	err := fmt.Errorf("%s: %s", name, what)
	for _, known := range e.problems {
		if known.Error() == err.Error() {
			return
		}
	}
	e.problems = append(e.problems, err)
}

// named says whether a problem of the variable is known already.
func (e *Environment) named(name string) bool {
	for _, known := range e.problems {
		if strings.HasPrefix(known.Error(), name+":") || strings.HasPrefix(known.Error(), name+"_FILE:") {
			return true
		}
	}
	return false
}

// Err is a UsageError that has all problems; nil: there are none.
func (e *Environment) Err() error {
	if len(e.problems) == 0 {
		return nil
	}
	return UsageError{errors.Join(e.problems...)}
}

// cause is an error of the file system without the path.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
