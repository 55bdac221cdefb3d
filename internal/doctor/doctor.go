// Package doctor examines an installation: its settings, Postgres, both systems, clocks, the public address, alert
// channels and running processes. It reports what is wrong or soon will be, and what to do about it.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"crmsync/internal/advice"
	"crmsync/internal/app"
	"crmsync/mondayclient"
	"crmsync/sfclient"
)

// Verdict is how a finding turned out.
type Verdict string

// The verdicts.
const (
	Fine     Verdict = "ok"
	Doubtful Verdict = "warning" // it works, but not as well as it could, or not for long
	Wrong    Verdict = "failed"
)

// Finding is one thing that was examined. It holds no secret and no value of a customer. Its JSON form is stable.
type Finding struct {
	Subject string  `json:"subject"`
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"`
	Do      string  `json:"do,omitempty"` // what to do about it
}

// findings collects the findings about a subject.
type findings struct {
	subject string
	all     []Finding
}

func (f *findings) fine(format string, args ...any) {
	f.all = append(f.all, Finding{f.subject, Fine, fmt.Sprintf(format, args...), ""})
}

func (f *findings) doubtful(do, format string, args ...any) {
	f.all = append(f.all, Finding{f.subject, Doubtful, fmt.Sprintf(format, args...), do})
}

func (f *findings) wrong(do, format string, args ...any) {
	f.all = append(f.all, Finding{f.subject, Wrong, fmt.Sprintf(format, args...), do})
}

// Count counts the findings with a verdict.
func Count(all []Finding, v Verdict) (n int) {
	for _, f := range all {
		if f.Verdict == v {
			n++
		}
	}
	return n
}

// Monday examines the login, the day's calls and the version of the API.
func Monday(ctx context.Context, client *mondayclient.Client) []Finding {
	f := &findings{subject: "Monday"}
	who, err := client.WhoAmI(ctx)
	if err != nil {
		f.wrong(advised(err), "%v", err)
		return f.all
	}
	f.fine("logged in as user %d of the account %s", who.UserID, who.Account)
	if left := who.DailyLimit - who.UsedToday; who.DailyLimit > 0 && left*10 < who.DailyLimit {
		f.doubtful("New calls are allowed from 00:00 UTC, and more on a higher plan.",
			"only %d of %d calls of the day are left", left, who.DailyLimit)
	} else if who.DailyLimit > 0 {
		f.fine("%d of %d calls of the day are left", left, who.DailyLimit)
	}
	support, err := client.Support(ctx)
	next := "Set MONDAY_API_VERSION=" + support.Current + "."
	switch {
	case err != nil:
		f.doubtful(advised(err), "the version of the API was not examined: %v", err)
	case support.IsGone():
		f.wrong(next, "version %s of the API is no longer supported", support.Version)
	case support.IsEnding():
		f.doubtful(next, "version %s of the API is an older one, which will expire", support.Version)
	default:
		f.fine("version %s of the API is supported (%s)", support.Version, strings.ReplaceAll(support.Kind, "_", " "))
	}
	return f.all
}

// Salesforce examines the login and the calls that are left.
func Salesforce(ctx context.Context, client *sfclient.Client) []Finding {
	f := &findings{subject: "Salesforce"}
	who, err := client.WhoAmI(ctx)
	if err != nil {
		f.wrong(advised(err), "%v", err)
		return f.all
	}
	f.fine("logged in as %s to %s, org %s", orUser(who), who.Host, who.OrgID)
	left := who.Limit - who.Used
	switch {
	case who.Limit == 0:
	case left*10 < who.Limit:
		f.doubtful("Other integrations of the org share them: Setup, System Overview shows the usage.",
			"only %d of %d calls of 24 hours are left", left, who.Limit)
	default:
		f.fine("%d of %d calls of 24 hours are left", left, who.Limit)
	}
	return f.all
}

func orUser(who sfclient.Identity) string {
	if who.Username != "" {
		return who.Username
	}
	return "user " + who.UserID
}

// advised returns what to do about an error of a system.
func advised(err error) string {
	if e, ok := errors.AsType[*sfclient.Error](err); ok {
		return adviceOn(advice.Salesforce, e.Code)
	}
	if e, ok := errors.AsType[*mondayclient.Error](err); ok {
		return adviceOn(advice.Monday, e.Code)
	}
	return "Check the network and the variables that crmsync config lists."
}

func adviceOn(system, code string) string {
	if entry, known := advice.Of(system, code); known {
		return entry.Text()
	}
	return ""
}

// Input is what is examined.
type Input struct {
	Source *app.Source
	Role   app.Role // whose settings must be complete, and whose processes must run
	Test   bool     // send a message to each alert channel
}

// Examine examines everything.
func Examine(ctx context.Context, in Input) []Finding {
	e := &examination{input: in}
	e.settings()
	var all []Finding
	for _, part := range []func(context.Context) []Finding{
		e.postgres, e.monday, e.salesforce, e.mapping, e.clocks, e.public, e.alerts, e.console, e.processes, e.waiting,
	} {
		all = append(all, part(ctx)...)
	}
	if e.db != nil {
		e.db.Close()
	}
	return append(e.found.all, all...)
}
