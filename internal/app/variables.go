package app

import (
	"fmt"
	"net/url"
	"strings"
)

// Variable is a variable of the environment that the program reads.
type Variable struct {
	Name    string
	Default string // empty: none, or off
	Group   string
	About   string // its purpose: a sentence without a period
	Example string // if it is required
	Secret  bool   // its value is never shown
	Needed  string // the roles that do not start without it; empty: optional
}

// Variables returns all variables of all roles, in the order in which people set them. The defaults are those that
// ReadConfig uses.
func Variables() []Variable {
	defaults := map[string]string{}
	e := &Environment{getenv: func(string) string { return "" }, asked: func(name, fallback string) {
		if defaults[name] == "" {
			defaults[name] = fallback
		}
	}}
	readConfig(e, Role{Ingest: true, Worker: true})
	var all []Variable
	for _, v := range described {
		v.Default = defaults[v.Name]
		all = append(all, v)
		delete(defaults, v.Name)
	}
	for name, fallback := range defaults {
		all = append(all, Variable{Name: name, Default: fallback}) // a test checks that there is none
	}
	return all
}

func names(variables []Variable) (all []string) {
	for _, v := range variables {
		all = append(all, v.Name)
	}
	return all
}

// Setting is a variable with its effective value.
type Setting struct {
	Variable
	Value  string // a placeholder for a secret
	Source string // default, environment, the path of a file, or file and line of the env file; empty: not set
}

// hidden replaces the value of a secret.
const hidden = "(hidden)"

// Settings returns all variables with their values and the sources of these.
func (s *Source) Settings() (settings []Setting) {
	e := NewEnvironment(s.Getenv)
	for _, v := range Variables() {
		set := Setting{Variable: v, Value: e.text(v.Name, v.Default)}
		_, set.Source = s.find(v.Name)
		file, _ := s.find(v.Name + "_FILE")
		switch {
		case set.Value == "":
			set.Source = ""
		case set.Source == "" && file != "":
			set.Source = file
		case set.Source == "":
			set.Source = "default"
		}
		switch {
		case v.Secret && set.Value != "" && set.Source != "default":
			set.Value = hidden
		case strings.HasPrefix(v.Name, "DATABASE_"): // the part before the password is shown
			set.Value = WithoutPassword(set.Value)
		case strings.Contains(set.Value, "://") && strings.ContainsAny(set.Value, "@?"): // they may hold a secret
			address, _, asked := strings.Cut(set.Value, "?")
			if set.Value = WithoutPassword(address); asked {
				set.Value += "?" + hidden
			}
		}
		settings = append(settings, set)
	}
	return settings
}

// WithoutPassword returns a connection string that may be shown.
func WithoutPassword(text string) string {
	u, err := url.Parse(text)
	if text == "" {
		return ""
	}
	if err != nil || u.Host == "" || strings.Contains(strings.ToLower(text), "password") || strings.Contains(u.Host, "@") {
		return hidden
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "hidden")
	}
	return u.String()
}

// ExampleEnv returns an env file with all variables, for people to copy.
func ExampleEnv() string {
	w := &strings.Builder{}
	fmt.Fprint(w, exampleHead)
	group := ""
	for _, v := range Variables() {
		if v.Group != group {
			group = v.Group
			fmt.Fprintf(w, "\n# %s\n", strings.ToUpper(group))
		}
		about := v.About
		if v.Needed != "" {
			about += ". Required by " + v.Needed
		}
		fmt.Fprintf(w, "\n# %s.\n", about)
		if v.Needed != "" {
			fmt.Fprintf(w, "%s=%s\n", v.Name, v.Example)
		} else {
			fmt.Fprintf(w, "#%s=%s\n", v.Name, v.Default)
		}
	}
	return w.String()
}

// NewEnv returns ExampleEnv for a file that is in its place already.
func NewEnv() string { return newHead + strings.TrimPrefix(ExampleEnv(), exampleHead) }

const exampleHead = `# All settings of crmsync, with their defaults. Copy this file to .env and make it readable only for its owner
# (chmod 600), or name it by --env-file or CRMSYNC_ENV. ` + settingsHead

const newHead = `# Settings of crmsync, written by crmsync init. Lines with # in front show the defaults. Keep this file readable only
# for its owner: it contains secrets. ` + settingsHead

const settingsHead = `The environment of the process takes precedence.
#
# Instead of NAME=value, NAME_FILE=/path takes the value from a file. Values with # or with spaces at their ends must be in
# quotes. Durations are written like 1500ms, 20s, 2m.
`

const (
	groupPostgres   = "Postgres and the mapping"
	groupWebhooks   = "Webhooks"
	groupMonday     = "Monday"
	groupSalesforce = "Salesforce"
	groupAlerts     = "Alerts"
	groupListen     = "Listeners and the log"
	groupWork       = "Attempts and throughput"
)

// described is what Variables adds to the information from ReadConfig.
var described = []Variable{
	{Group: groupPostgres, Name: "DATABASE_URL", Needed: "every role",
		Example: "postgres://crmsync@127.0.0.1:5432/crmsync",
		About:   "Postgres 14 or later, directly or through a pooler in session or transaction mode"},
	{Group: groupPostgres, Name: "DATABASE_DIRECT_URL", About: "The same database without the pooler, for the migrations of the schema"},
	{Group: groupPostgres, Name: "SCHEMA_UP", About: "on: pending migrations are applied at start; off: only by crmsync schema up"},
	{Group: groupPostgres, Name: "MAPPING", About: "Path of the mapping file"},
	{Group: groupPostgres, Name: "BACKFILL",
		About: "auto: after a change of the mapping, all items are compared: new fields are filled where Salesforce is empty, " +
			"other differences are reported; off: only crmsync apply compares all items"},

	{Group: groupWebhooks, Name: "WEBHOOK_SECRET", Secret: true, Needed: "ingest, unless MONDAY_SIGNING_SECRET is set",
		About: "Last segment of the webhook's URL, at least 16 characters. Two values separated by a comma are both " +
			"accepted, for rotation"},
	{Group: groupWebhooks, Name: "MONDAY_SIGNING_SECRET", Secret: true,
		About: "Signing secret of the Monday app: every event must carry its JWT. Two values separated by a comma are " +
			"both accepted"},
	{Group: groupWebhooks, Name: "INGEST_ADDR", About: "Public listener, for webhooks"},
	{Group: groupWebhooks, Name: "INGEST_URL", About: "Its address as Monday reaches it, such as https://sync.example.org. crmsync doctor looks there"},

	{Group: groupMonday, Name: "MONDAY_API_TOKEN", Secret: true, Needed: "worker", About: "API token of a user who sees the boards"},
	{Group: groupMonday, Name: "MONDAY_API_URL", About: "Address of Monday's API"},
	{Group: groupMonday, Name: "MONDAY_API_VERSION", About: "Version of Monday's API"},
	{Group: groupMonday, Name: "MONDAY_RESERVE",
		About: "Share of Monday's calls for a day, and of its complexity and calls per minute where Monday reports a limit, that " +
			"bulk work leaves to live events and to other programs"},

	{Group: groupSalesforce, Name: "SALESFORCE_LOGIN_URL", Needed: "worker", Example: "https://example.my.salesforce.com", About: "Your My Domain URL"},
	{Group: groupSalesforce, Name: "SALESFORCE_CLIENT_ID", Needed: "worker", About: "Consumer key of the app"},
	{Group: groupSalesforce, Name: "SALESFORCE_CLIENT_SECRET", Secret: true,
		Needed: "worker, unless SALESFORCE_PRIVATE_KEY is set",
		About:  "Consumer secret of the app, for the client-credentials flow"},
	{Group: groupSalesforce, Name: "SALESFORCE_USERNAME", About: "User of the JWT bearer flow, used instead of the secret"},
	{Group: groupSalesforce, Name: "SALESFORCE_PRIVATE_KEY", Secret: true, About: "RSA key of the JWT bearer flow, in PEM"},
	{Group: groupSalesforce, Name: "SALESFORCE_API_VERSION", About: "Version of Salesforce's API"},
	{Group: groupSalesforce, Name: "SALESFORCE_INSTANCE_HOSTS",
		About: "Further hosts, separated by commas, that a login may lead to. The login host and Salesforce's own domains " +
			"always may"},
	{Group: groupSalesforce, Name: "SALESFORCE_RESERVE", About: "Share of Salesforce's calls for 24 hours that bulk work leaves to live events and to other programs"},

	{Group: groupSalesforce, Name: "SALESFORCE_POLL",
		About: "How often Salesforce is polled for changes if the mapping syncs fields to Monday: auto (15 s to 5 min), a " +
			"duration, or off"},

	{Group: groupAlerts, Name: "TELEGRAM_BOT_TOKEN", Secret: true, About: "Alerts by Telegram: the bot's token"},
	{Group: groupAlerts, Name: "TELEGRAM_CHAT_ID", About: "Alerts by Telegram: the chat"},
	{Group: groupAlerts, Name: "TELEGRAM_API_URL", About: "Address of Telegram's API"},
	{Group: groupAlerts, Name: "SLACK_WEBHOOK_URL", Secret: true, About: "Alerts by Slack: an incoming webhook"},
	{Group: groupAlerts, Name: "ALERT_URLS", Secret: true, About: "Further channels, separated by spaces: e-mail, Teams, PagerDuty, ntfy, a signed webhook"},
	{Group: groupAlerts, Name: "ALERT_PAUSES", About: "Pauses between messages about one cause; the last one repeats"},
	{Group: groupAlerts, Name: "PUBLIC_URL", About: "Address of the console, for links in alerts"},
	{Group: groupAlerts, Name: "ALERT_INTERVAL", About: "How often dead letters and outages are alerted"},

	{Group: groupListen, Name: "ADMIN_ADDR", About: "Internal listener: metrics, health, console. ingest alone: 127.0.0.1:9091"},
	{Group: groupListen, Name: "ADMIN_USER", About: "Operator of the console and the dashboard. Without user and password, neither is available"},
	{Group: groupListen, Name: "ADMIN_PASSWORD", Secret: true, About: "The operator's password, at least 8 characters"},
	{Group: groupListen, Name: "VIEWER_USER", About: "May read the console, but change nothing"},
	{Group: groupListen, Name: "VIEWER_PASSWORD", Secret: true, About: "The viewer's password, at least 8 characters"},
	{Group: groupListen, Name: "CONSOLE_USER_HEADER", About: "Header in which a proxy names the person who signed in there, for the record of acts. The proxy must set it on every request"},
	{Group: groupListen, Name: "CONSOLE_PROXIES", About: "Addresses and networks, separated by commas, from which CONSOLE_USER_HEADER is taken"},
	{Group: groupListen, Name: "LOG_LEVEL", About: "debug, info, warn or error"},
	{Group: groupListen, Name: "LOG_FORMAT", About: "json, or text for people"},
	{Group: groupListen, Name: "LOG_RETENTION", About: "How long logs in the database, ended outages and finished dead letters are kept"},

	{Group: groupWork, Name: "MAX_ATTEMPTS", About: "Attempts of an event before it is a dead letter"},
	{Group: groupWork, Name: "RETRY_BASE", About: "Delay before attempt n+1 is RETRY_BASE x 2^(n-1), at most RETRY_MAX"},
	{Group: groupWork, Name: "RETRY_MAX", About: "Longest delay"},
	{Group: groupWork, Name: "JOB_TIMEOUT", About: "Maximum duration of an attempt"},
	{Group: groupWork, Name: "RESCUE_AFTER", About: "A job that a dead worker left running is attempted again after this; must exceed JOB_TIMEOUT"},
	{Group: groupWork, Name: "BATCH_SIZE", About: "Maximum number of events in a batch"},
	{Group: groupWork, Name: "BATCH_CONCURRENCY", About: "Maximum number of concurrent batches"},
	{Group: groupWork, Name: "MAX_WORKERS", About: "Maximum number of concurrent jobs"},
	{Group: groupWork, Name: "SHUTDOWN_GRACE", About: "How long running jobs may take to end"},
}
