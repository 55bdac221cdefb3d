package worker

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"crmsync/jobs"
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/sfclient"
	"crmsync/worker/feed"
	"crmsync/worker/reserve"
)

// newReserve returns what bulk work leaves to live events.
func (p *Pool) newReserve(salesforce *sfclient.Client, monday *mondayclient.Client) *reserve.Reserve {
	return &reserve.Reserve{
		Usage: salesforce.Usage, Budget: monday.Budget, Now: time.Now,
		Salesforce: p.config.SalesforceReserve, Monday: p.config.MondayReserve,
	}
}

// newFeed returns the feed of changes from Salesforce, or nil if there is none: it is off, the mapping syncs nothing
// to Monday, or this pool only migrates.
func (p *Pool) newFeed(salesforce *sfclient.Client, r *reserve.Reserve) *feed.Feed {
	c := p.config
	if c.FeedOff || c.MigrationsOnly || !feed.Uses(c.Mapping) {
		return nil
	}
	return feed.New(feed.Config{
		Mapping: c.Mapping, Store: p.store, Salesforce: salesforce, Reserve: r, Poll: c.FeedInterval, Ring: p.ring,
		Backlog: func(ctx context.Context, most int) (int, error) {
			return p.queue.Waiting(ctx, jobs.QueueEvents, jobs.PriorityBulk, most)
		},
		Registerer: c.Registerer, Log: c.Log,
	})
}

// ring queues a resync of each item, behind live events.
func (p *Pool) ring(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error {
	params := make([]river.InsertManyParams, len(items))
	for n, item := range items {
		params[n].Args = jobs.ItemResyncArgs{BoardID: item.BoardID, ItemID: item.ItemID}
		params[n].InsertOpts = &river.InsertOpts{Priority: jobs.PriorityBulk}
	}
	return jobs.InsertMany(ctx, p.client, tx, params)
}
