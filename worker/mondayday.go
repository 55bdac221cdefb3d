package worker

import (
	"context"
	"time"

	"crmsync/mondayclient"
	"crmsync/schema/store"
)

// mondayDay shares the count of the day's calls to Monday among all processes: each of them knows its own, and Monday's
// own count lags behind.
type mondayDay struct {
	store  *store.Store
	monday *mondayclient.Client

	date   string
	stored int // calls of this process on that date that are in the shared count
	others int // calls of other processes that are known
}

// share adds this process's new calls to the shared count, and learns of the others' calls.
func (d *mondayDay) share(ctx context.Context) error {
	date, own := d.monday.DayCalls(time.Now())
	isFirst := d.date == ""
	if date != d.date {
		d.date, d.stored, d.others = date, 0, 0
	}
	all, err := d.store.AddMondayCalls(ctx, date, own-d.stored)
	if err != nil {
		return err
	}
	d.stored = own
	others := all - own
	if isFirst { // the login has returned these, unless Monday's count lags behind
		d.others = others
	}
	d.monday.AddDayCalls(date, others-d.others, all)
	d.others = others
	return nil
}

// shareDay shares the count of the day's calls to Monday until ctx ends.
func (p *Pool) shareDay(ctx context.Context) {
	ticker := time.NewTicker(measureEvery)
	defer ticker.Stop()
	day := &mondayDay{store: p.store, monday: p.config.Monday}
	for {
		sharing, cancel := context.WithTimeout(ctx, measureLasts)
		if err := day.share(sharing); err != nil && ctx.Err() == nil {
			p.config.Log.Warn("could not share the number of calls to monday", "error", err)
		}
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
