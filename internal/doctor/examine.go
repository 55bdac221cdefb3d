package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/internal/app"
	"crmsync/internal/audit"
	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// examination is the state that the parts of an examination share.
type examination struct {
	input  Input
	found  findings // about the settings
	config app.Config
	live   *app.Live        // its clients are nil if their settings are missing
	db     *pgxpool.Pool    // nil: Postgres does not answer
	known  audit.Live       // what Monday and Salesforce say
	mapped *mapping.Mapping // nil: the file is faulty
}

// settings reads the configuration as the role does.
func (e *examination) settings() {
	e.found.subject = "settings"
	config, err := app.ReadConfig(e.input.Source.Getenv, e.input.Role)
	e.config = config
	if err != nil {
		for _, problem := range strings.Split(err.Error(), "\n") {
			e.found.wrong("Set it in the environment or in .env; crmsync config lists the values in use.", "%s", problem)
		}
	}
	for _, warning := range e.input.Source.Warnings() {
		e.found.doubtful("Correct the name.", "%s", warning)
	}
	file := e.input.Source.File()
	if info, err := os.Stat(file); file != "" && err == nil && info.Mode().Perm()&0o077 != 0 {
		e.found.doubtful("chmod 600 "+file, "%s can be read by other users", file)
	}
	if e.live, err = app.NewLive(config); err != nil {
		e.live = &app.Live{} // the configuration's problems have it
	}
	if len(e.found.all) == 0 {
		e.found.fine("complete")
	}
}

func (e *examination) postgres(ctx context.Context) []Finding {
	if e.config.DatabaseURL == "" {
		return nil // already reported
	}
	found, db := Postgres(ctx, e.config, e.input.Role)
	e.db = db
	return found
}

func (e *examination) monday(ctx context.Context) []Finding {
	if e.live.Monday == nil {
		return nil // already reported
	}
	return Monday(ctx, e.live.Monday)
}

func (e *examination) salesforce(ctx context.Context) []Finding {
	if e.live.Salesforce == nil {
		return nil // already reported
	}
	return append(Salesforce(ctx, e.live.Salesforce), e.salesforceVersion(ctx)...)
}

// mapping examines the file, and whether it fits both systems.
func (e *examination) mapping(ctx context.Context) []Finding {
	f := &findings{subject: "mapping"}
	m, err := app.ReadMapping(e.config.Mapping)
	if errors.Is(err, fs.ErrNotExist) {
		f.wrong("crmsync init writes one, or set MAPPING.", "%s does not exist", e.config.Mapping)
		return f.all
	}
	if err != nil {
		first, _, several := strings.Cut(err.Error(), "\n")
		if several {
			first += ", and more"
		}
		f.wrong("crmsync check", "%s", first)
		return f.all
	}
	e.mapped = m
	if !e.input.Role.Worker {
		f.fine("%s has no fault", e.config.Mapping)
		return f.all
	}
	if e.live.Monday == nil || e.live.Salesforce == nil {
		f.doubtful("", "%s has no fault; whether it fits both systems was not examined", e.config.Mapping)
		return f.all
	}
	found, known := e.live.Check(ctx, m)
	e.known = known
	judgeMapping(f, e.config.Mapping, found)
	return f.all
}

// judgeMapping reports whether the mapping fits both systems. Findings about webhooks are reported on their own.
func judgeMapping(f *findings, path string, found []audit.Finding) {
	faults, warnings, first := 0, 0, ""
	for _, one := range audit.Sort(found) {
		switch {
		case one.OfWebhooks:
		case one.Severity == audit.Warning:
			warnings++
		case one.Severity == audit.Error:
			if faults++; first == "" {
				first = one.Message
			}
		}
	}
	switch {
	case faults > 0:
		f.wrong("crmsync check --live", "%s does not fit (errors: %d), such as: %s", path, faults, first)
	case warnings > 0:
		f.doubtful("crmsync check --live", "%s fits both systems, but there is something to correct (warnings: %d)",
			path, warnings)
	default:
		f.fine("%s fits both systems", path)
	}
}

// missingWebhooks returns the boards of the mapping that lack webhooks; ok is false if they could not be read.
func (e *examination) missingWebhooks() (boards []string, ok bool) {
	if e.mapped == nil || e.known.Webhooks == nil {
		return nil, false
	}
	for _, b := range e.mapped.Boards {
		has := map[string]bool{}
		for _, hook := range e.known.Webhooks[b.ID] {
			has[hook.Event] = true
		}
		missing := 0
		for _, event := range mondayclient.Subscriptions() {
			if !has[event] {
				missing++
			}
		}
		if missing > 0 {
			boards = append(boards, fmt.Sprintf("%d (%d of %d)", b.ID, missing, len(mondayclient.Subscriptions())))
		}
	}
	return boards, true
}

// alerts examines the channels, and tests them on request.
func (e *examination) alerts(ctx context.Context) []Finding {
	f := &findings{subject: "alerts"}
	if !e.input.Role.Worker {
		return nil
	}
	channels, err := app.NewChannels(e.config)
	if err != nil {
		f.wrong("Correct the variable.", "%v", err)
		return f.all
	}
	if len(channels) == 0 {
		f.doubtful("Set TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID, SLACK_WEBHOOK_URL or ALERT_URLS.",
			"there is no channel: only the log and the metrics report failed events")
		return f.all
	}
	failing := map[string]store.Channel{}
	if e.db != nil {
		known, err := store.New(e.db).Channels(ctx)
		if err != nil {
			f.doubtful("", "whether channels fail was not examined: %v", err)
		}
		for _, c := range known {
			if c.FailingSince != nil {
				failing[c.Name] = c
			}
		}
	}
	host, _ := os.Hostname() // empty: unknown
	for _, c := range channels {
		if now, fails := failing[c.Name()]; fails {
			f.wrong("crmsync doctor --test-alerts", "%s has accepted no messages since %s (%s)", c.Name(),
				now.FailingSince.UTC().Format("2006-01-02 15:04 UTC"), now.Error)
		}
		if !e.input.Test {
			f.fine("%s is set; --test-alerts sends a message", c.Name())
			continue
		}
		if err := c.Send(ctx, "Test message of crmsync doctor on "+host+". Alerts arrive here."); err != nil {
			f.wrong("Correct its token, chat or URL.", "%s did not accept the test message: %v", c.Name(), err)
		} else {
			f.fine("%s accepted the test message", c.Name())
		}
	}
	return f.all
}
