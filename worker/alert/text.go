package alert

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"crmsync/mondayclient"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// lettersText describes dead letters, without any of their values.
func lettersText(letters []store.Letter) string {
	var b strings.Builder
	if len(letters) == 1 {
		b.WriteString("crmsync could not process an event:\n")
	} else {
		fmt.Fprintf(&b, "crmsync could not process %d events:\n", len(letters))
	}
	for _, l := range letters {
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
	}
	b.WriteString("Put back with: crmsync replay")
	for _, l := range letters {
		b.WriteString(" " + strconv.FormatInt(l.JobID, 10))
	}
	return b.String()
}

// awayText reports an outage, and what can be done about it.
func awayText(o store.Outage) string {
	text := fmt.Sprintf("%s is away (%s) since %s. Events wait; none is lost.", title(o.System), o.Code, clock(o.StartedAt))
	switch {
	case o.Part == sfclient.ScopeCreation:
		text = fmt.Sprintf("%s creates no records (%s) since %s. New records wait; updates go on.", title(o.System), o.Code, clock(o.StartedAt))
	case o.Part != "":
		text = fmt.Sprintf("%s refuses access to %s (%s) since %s. Events that need it wait; all others go on.",
			title(o.System), o.Part, o.Code, clock(o.StartedAt))
	}
	if advice := adviceOn(o); advice != "" {
		text += "\n" + advice
	}
	return text
}

// adviceOn returns what a person can do about an outage, or "".
func adviceOn(o store.Outage) string {
	if o.System == "monday" {
		return mondayclient.Advice(o.Code)
	}
	return sfclient.Advice(o.Code)
}

// backText reports that an outage is over.
func backText(o store.Outage) string {
	lasted := fmt.Sprintf("for %s, from %s.", o.EndedAt.Sub(o.StartedAt).Round(time.Second), clock(o.StartedAt))
	switch {
	case o.Part == sfclient.ScopeCreation:
		return fmt.Sprintf("%s creates records again. It did not %s", title(o.System), lasted)
	case o.Part != "":
		return fmt.Sprintf("%s gives access to %s again. It did not %s", title(o.System), o.Part, lasted)
	}
	return fmt.Sprintf("%s is back. It was away %s", title(o.System), lasted)
}

func pausedText(a store.Alert) string {
	return fmt.Sprintf("The queue %s is paused since %s. Its jobs wait until somebody resumes it in the dashboard.", a.Subject, clock(a.Occasion))
}

func resumedText(a store.Alert) string {
	return fmt.Sprintf("The queue %s is no longer paused.", a.Subject)
}

func heldText(a store.Alert, items int) string {
	return fmt.Sprintf("The delete brake holds the records of board %s since %s, of %s so far: more were deleted in Monday than the mapping "+
		"lets through. They stay until somebody decides: see crmsync held, then release or drop them with --board %s.",
		a.Subject, clock(a.Occasion), plural(items, "item"), a.Subject)
}

func decidedText(a store.Alert) string {
	return fmt.Sprintf("The delete brake holds no more records of board %s.", a.Subject)
}

func failingText(a store.Alert, reason string) string {
	return fmt.Sprintf("Alerts do not reach %s since %s: %s.", title(a.Subject), clock(a.Occasion), reason)
}

func workingText(a store.Alert) string {
	return fmt.Sprintf("Alerts reach %s again.", title(a.Subject))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func title(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
