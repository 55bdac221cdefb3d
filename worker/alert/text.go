package alert

import (
	"fmt"
	"strings"
	"time"

	"crmsync/internal/words"
	"crmsync/mondayclient"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// causeText describes, without any of their values, the dead letters of a cause that a channel has not received yet.
// It lists the given ones and counts the others.
func causeText(u store.UntoldCause, letters []store.DeadLetter) string {
	var b strings.Builder
	more := ""
	if u.Messages > 0 {
		more = " more"
	}
	single := u.Untold == 1 && more == "" && len(letters) == 1
	if single {
		fmt.Fprintf(&b, "crmsync could not process an event (%s).\n", u.CauseKey)
	} else {
		fmt.Fprintf(&b, "crmsync could not process %s%s %s (%s).\n", words.Number(u.Untold), more,
			pluralOf(u.Untold, "event"), u.CauseKey)
	}
	if entry := u.Advice(); entry.Code != "" && u.Open > 0 {
		b.WriteString(entry.Text() + "\n")
	}
	for _, l := range letters {
		b.WriteString(letterLine(l))
	}
	if rest := u.Untold - len(letters); rest > 0 {
		fmt.Fprintf(&b, "• and %s more\n", words.Number(rest))
	}
	switch {
	case u.Open == 0 && u.UnderWay > 0:
		b.WriteString("Already replayed, and not done yet.")
	case u.Open == 0:
		b.WriteString("Nothing needs to be done: it has been resolved since.")
	case single:
		fmt.Fprintf(&b, "Replay with: crmsync replay %d", letters[0].JobID)
	default:
		fmt.Fprintf(&b, "Replay with: crmsync replay --cause %s", u.ID)
	}
	return b.String()
}

// letterLine describes a dead letter in a line.
func letterLine(l store.DeadLetter) string {
	var b strings.Builder
	fmt.Fprintf(&b, "• job %d: %s", l.JobID, l.Event)
	if l.BoardID != nil {
		fmt.Fprintf(&b, ", board %d", *l.BoardID)
	}
	if l.ItemID != nil {
		fmt.Fprintf(&b, ", item %d", *l.ItemID)
	}
	if l.Object != nil {
		b.WriteString(", " + *l.Object)
	}
	if l.SalesforceID != nil {
		b.WriteString(" " + *l.SalesforceID)
	}
	if l.Code != "" {
		b.WriteString(", " + l.Code)
	}
	fmt.Fprintf(&b, ", %s\n", plural(l.Attempts, "attempt"))
	return b.String()
}

// overText reports that a cause is over.
func overText(c store.Cause) string {
	text := fmt.Sprintf("Over: %s.", c.CauseKey)
	if c.Settled > 0 {
		text += fmt.Sprintf(" %s %s succeeded.", words.Number(c.Settled), pluralOf(c.Settled, "event", "events"))
	}
	if c.Ignored > 0 {
		text += fmt.Sprintf(" %s %s ignored.", words.Number(c.Ignored), pluralOf(c.Ignored, "event was", "events were"))
	}
	return text
}

// digestText reports what happened in a week, and what is open.
func digestText(w store.Week, causes []store.Cause) string {
	var b strings.Builder
	fmt.Fprintf(&b, "crmsync, the last 7 days: %s, %s open.", plural(int(w.Changes), "change"), words.Number(w.Open))
	if w.Held > 0 {
		fmt.Fprintf(&b, " The delete brake holds %s: crmsync held.", plural(w.Held, "item"))
	}
	if w.Conflicts > 0 {
		some := pluralOf(w.Conflicts, "1 conflict was", words.Number(w.Conflicts)+" conflicts were")
		fmt.Fprintf(&b, " %s decided by the mapping: crmsync conflicts.", some)
	}
	for n, c := range causes {
		if n == lettersPerMessage {
			fmt.Fprintf(&b, "\n• and %s", plural(len(causes)-n, "more cause"))
			break
		}
		what := plural(c.Open, "dead letter")
		if c.Away != nil {
			what = "since " + clock(*c.Away)
		}
		fmt.Fprintf(&b, "\n• %s (%s)", c.CauseKey, what)
	}
	return b.String()
}

// awayText reports an outage, and what can be done about it.
func awayText(o store.Outage) string {
	since := "since " + clock(o.StartedAt)
	text := fmt.Sprintf("%s is away (%s). Events have been waiting %s; none is lost.", title(o.System), o.Code, since)
	switch {
	case o.Part == sfclient.ScopeCreation:
		text = fmt.Sprintf("%s creates no records (%s). New records have been waiting %s; updates continue.",
			title(o.System), o.Code, since)
	case o.Part != "":
		text = fmt.Sprintf("%s refuses access to %s (%s). Events that need it have been waiting %s; all others continue.",
			title(o.System), o.Part, o.Code, since)
	}
	if advice := adviceOn(o); advice != "" {
		text += "\n" + advice
	}
	return text
}

// adviceOn returns what a person can do about an outage, or "".
func adviceOn(o store.Outage) string {
	switch {
	case o.System == "monday":
		return mondayclient.Advice(o.Code)
	case sfclient.IsScopeObject(o.Part):
		return adviceOnObject
	}
	return sfclient.Advice(o.Code)
}

// adviceOnObject is what a person can do about an object that Salesforce does not describe.
const adviceOnObject = "Give the run-as user's permission set Read access to the object and its fields, or correct " +
	"the object's name in the mapping. crmsync check --live shows what is missing."

// backText reports that an outage is over.
func backText(o store.Outage) string {
	lasted := o.EndedAt.Sub(o.StartedAt).Round(time.Second)
	switch {
	case o.Part == sfclient.ScopeCreation:
		return fmt.Sprintf("%s creates records again, after %s without any.", title(o.System), lasted)
	case o.Part != "":
		return fmt.Sprintf("%s gives access to %s again, after %s without it.", title(o.System), o.Part, lasted)
	}
	return fmt.Sprintf("%s is back. It was away for %s from %s.", title(o.System), lasted, clock(o.StartedAt))
}

func pausedText(a store.Alert) string {
	return fmt.Sprintf("The queue %s was paused at %s. Its jobs wait until somebody resumes it in the dashboard.",
		a.Subject, clock(a.Occasion))
}

func resumedText(a store.Alert) string {
	return fmt.Sprintf("The queue %s is no longer paused.", a.Subject)
}

// heldText reports what the delete brake holds of a board: records of deleted items, items whose records were deleted,
// or both.
func heldText(a store.Alert, h store.Hold) string {
	deletes, archives := len(h.Items)-len(h.Archives), len(h.Archives)
	what, why, stay := "the records of "+plural(deletes, "item"), "more items were deleted in Monday", "The records stay"
	switch {
	case deletes == 0:
		what, why = "the archiving of "+plural(archives, "item"), "more records were deleted in Salesforce"
		stay = "The items stay active in Monday"
	case archives > 0:
		what += " and the archiving of " + plural(archives, "item")
		why, stay = "more items and records were deleted", "Those records and items stay"
	}
	return fmt.Sprintf("The delete brake has held %s of board %s since %s: %s than the mapping allows. %s until somebody "+
		"decides: see crmsync held, then release or drop them with --board %s.",
		what, a.Subject, clock(a.Occasion), why, stay, a.Subject)
}

func decidedText(a store.Alert) string {
	return fmt.Sprintf("The delete brake no longer holds anything of board %s.", a.Subject)
}

func failingText(a store.Alert, reason string) string {
	return fmt.Sprintf("Alerts have not reached %s since %s: %s.", title(a.Subject), clock(a.Occasion), reason)
}

func workingText(a store.Alert) string {
	return fmt.Sprintf("Alerts reach %s again.", title(a.Subject))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func title(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

func plural(n int, what string) string {
	return words.Number(n) + " " + pluralOf(n, what)
}

// pluralOf returns the first form for one, and the second one, or the first with an s, for any other number.
func pluralOf(n int, one string, many ...string) string {
	switch {
	case n == 1:
		return one
	case len(many) > 0:
		return many[0]
	}
	return one + "s"
}
