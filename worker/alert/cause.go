package alert

import (
	"context"
	"time"

	"crmsync/schema/store"
)

// causes returns messages about dead letters, one for each cause that is due.
func (a *Alerter) causes(ctx context.Context, c store.Channel) (messages []message, err error) {
	untold, err := a.store.UntoldCauses(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, u := range untold {
		if !a.due(u) {
			continue
		}
		letters, err := a.store.UntoldDeadLetters(ctx, c, u.ID, lettersPerMessage)
		if err != nil {
			return nil, err
		}
		messages = append(messages, message{text: causeText(u, letters) + a.link("/errors/"+u.ID), cause: &u})
	}
	return messages, nil
}

// due reports whether the next message about a cause may be sent. The first one always may; after that, the pauses
// grow. When a cause ends, the rest is sent at once.
func (a *Alerter) due(u store.UntoldCause) bool {
	if u.Messages == 0 || u.ClosedAt != nil || len(a.Pauses) == 0 {
		return true
	}
	return u.Since >= a.Pauses[min(u.Messages, len(a.Pauses))-1]
}

// ends returns messages about causes that are over.
func (a *Alerter) ends(ctx context.Context, c store.Channel) (messages []message, err error) {
	ended, err := a.store.EndedCauses(ctx, c.Name)
	for _, cause := range ended {
		alert := store.Alert{Kind: store.AlertCauseEnd, Subject: cause.ID, Occasion: *cause.ClosedAt}
		messages = append(messages, message{text: overText(cause), alerts: []store.Alert{alert}, calm: true})
	}
	return messages, err
}

// digest returns the message about the week that ended last, at 08:00 UTC on a Monday. The log needs none.
func (a *Alerter) digest(ctx context.Context, c store.Channel) ([]message, error) {
	end := weekEnd(a.Now())
	if c.Name == logName || c.Since.After(end) {
		return nil, nil
	}
	fresh, err := a.store.Untold(ctx, c.Name, []store.Alert{{Kind: store.AlertDigest, Subject: "week", Occasion: end}})
	if err != nil || len(fresh) == 0 {
		return nil, err
	}
	week, err := a.store.Week(ctx, end)
	if err != nil {
		return nil, err
	}
	causes, err := a.store.Causes(ctx)
	return []message{{text: digestText(week, causes) + a.link("/"), alerts: fresh, calm: true}}, err
}

// weekEnd returns the last Monday at 08:00 UTC.
func weekEnd(now time.Time) time.Time {
	now = now.UTC()
	end := time.Date(now.Year(), now.Month(), now.Day(), 8, 0, 0, 0, time.UTC)
	end = end.AddDate(0, 0, -(int(now.Weekday())+6)%7)
	if end.After(now) {
		end = end.AddDate(0, 0, -7)
	}
	return end
}

// link returns a line with the address of a page of the console, or "".
func (a *Alerter) link(path string) string {
	if a.PublicURL == "" {
		return ""
	}
	return "\n" + a.PublicURL + path
}
