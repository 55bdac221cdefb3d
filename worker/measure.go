package worker

import (
	"context"
	"time"

	"crmsync/jobs"
	"crmsync/schema/store"
)

const (
	measureEvery = time.Minute
	measureLasts = 30 * time.Second

	// askMondayEvery is how often the number of used calls of the day is read from Monday, which costs a call each
	// time.
	askMondayEvery = time.Hour
)

// measure stores the figures of each hour until ctx ends.
func (p *Pool) measure(ctx context.Context) {
	ticker := time.NewTicker(measureEvery)
	defer ticker.Stop()
	askedMonday := time.Now()
	for {
		if time.Since(askedMonday) >= askMondayEvery {
			askedMonday = time.Now()
			if _, err := p.config.Monday.WhoAmI(ctx); err != nil && ctx.Err() == nil {
				p.config.Log.Warn("could not read how many calls to monday are left today", "error", err)
			}
		}
		b := p.config.Monday.Budget()
		sample := store.Sample{MondayUsed: b.DayLimit - b.DayCalls, MondayLimit: b.DayLimit}
		sample.SalesforceUsed, sample.SalesforceLimit = p.config.Salesforce.Usage()
		if err := p.measureOnce(ctx, sample); err != nil && ctx.Err() == nil {
			p.config.Log.Warn("could not measure the hour", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (p *Pool) measureOnce(ctx context.Context, sample store.Sample) error {
	ctx, cancel := context.WithTimeout(ctx, measureLasts)
	defer cancel()
	depths, err := p.queue.Depths(ctx)
	if err != nil {
		return err
	}
	for _, d := range depths {
		if d.Queue == jobs.QueueEvents && d.State != "running" {
			sample.Queued += d.Jobs
			sample.Oldest = max(sample.Oldest, d.Oldest)
		}
	}
	return p.store.MeasureHour(ctx, sample)
}
