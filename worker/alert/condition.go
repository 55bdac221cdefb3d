package alert

import (
	"context"
	"slices"
	"strconv"

	"crmsync/schema/store"
)

// outages returns messages about systems that became unavailable or available again.
func (a *Alerter) outages(ctx context.Context, c store.Channel) (messages []message, err error) {
	outages, err := a.store.UntoldOutages(ctx, c)
	for _, o := range outages {
		id := strconv.FormatInt(o.ID, 10)
		if !o.Told {
			messages = append(messages, message{text: awayText(o) + a.link("/"),
				alerts: []store.Alert{{Kind: store.AlertOutage, Subject: id, Occasion: o.StartedAt}}})
		}
		if o.EndedAt != nil {
			end := store.Alert{Kind: store.AlertOutageEnd, Subject: id, Occasion: *o.EndedAt}
			messages = append(messages, message{text: backText(o), alerts: []store.Alert{end}, calm: true})
		}
	}
	return messages, err
}

// pauses returns messages about queues that were paused or resumed.
func (a *Alerter) pauses(ctx context.Context, c store.Channel) ([]message, error) {
	pauses, err := a.queue.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	var now []store.Alert
	for _, p := range pauses {
		now = append(now, store.Alert{Kind: store.AlertPause, Subject: p.Queue, Occasion: p.Since})
	}
	return a.changes(ctx, c, now, store.AlertPause, store.AlertPauseEnd, pausedText, resumedText)
}

// holds returns messages about boards whose deletions wait for a decision, or no longer do.
func (a *Alerter) holds(ctx context.Context, c store.Channel) ([]message, error) {
	holds, err := a.store.Holds(ctx)
	if err != nil {
		return nil, err
	}
	told, err := a.store.TakenWithoutEnd(ctx, c.Name, store.AlertHold, store.AlertHoldEnd)
	if err != nil {
		return nil, err
	}
	var now []store.Alert
	bySubject := map[string]store.Hold{}
	for _, h := range holds {
		alert := store.Alert{Kind: store.AlertHold, Subject: strconv.FormatInt(h.BoardID, 10), Occasion: h.Since}
		for _, t := range told {
			if t.Subject == alert.Subject { // the first of its items may have been decided since
				alert.Occasion = t.Occasion
			}
		}
		now, bySubject[alert.Subject] = append(now, alert), h
	}
	held := func(alert store.Alert) string { return heldText(alert, bySubject[alert.Subject]) + a.link("/held") }
	return a.changes(ctx, c, now, store.AlertHold, store.AlertHoldEnd, held, decidedText)
}

// failures returns messages about other channels that fail, or work again.
func (a *Alerter) failures(ctx context.Context, c store.Channel) ([]message, error) {
	channels, err := a.store.Channels(ctx)
	if err != nil {
		return nil, err
	}
	var now []store.Alert
	reasons := map[string]string{}
	for _, other := range channels {
		if other.Name != c.Name && other.FailingSince != nil && other.Failures >= failuresReported {
			now = append(now, store.Alert{Kind: store.AlertChannel, Subject: other.Name, Occasion: *other.FailingSince})
			reasons[other.Name] = other.Error
		}
	}
	failing := func(alert store.Alert) string { return failingText(alert, reasons[alert.Subject]) }
	return a.changes(ctx, c, now, store.AlertChannel, store.AlertChannelEnd, failing, workingText)
}

// changes returns messages about current conditions that have not been alerted, and about alerted ones that have
// ended.
func (a *Alerter) changes(
	ctx context.Context, c store.Channel, now []store.Alert, kind, end string, began, ended func(store.Alert) string,
) (messages []message, err error) {
	fresh, err := a.store.Untold(ctx, c.Name, now)
	if err != nil {
		return nil, err
	}
	for _, alert := range fresh {
		messages = append(messages, message{text: began(alert), alerts: []store.Alert{alert}})
	}
	told, err := a.store.TakenWithoutEnd(ctx, c.Name, kind, end)
	if err != nil {
		return nil, err
	}
	for _, alert := range told {
		still := func(n store.Alert) bool { return n.Subject == alert.Subject && n.Occasion.Equal(alert.Occasion) }
		if !slices.ContainsFunc(now, still) {
			messages = append(messages, message{text: ended(alert),
				alerts: []store.Alert{{Kind: end, Subject: alert.Subject, Occasion: alert.Occasion}}, calm: true})
		}
	}
	return messages, nil
}
