package cli

import (
	"context"
	"time"

	"crmsync/schema/store"
	"crmsync/worker"
)

type statusCommand struct {
	JSON     bool `help:"Print JSON."`
	ExitCode bool `help:"Exit with 1 if something needs a person, and report what. For cron and monitoring."`
}

// Status is the state of the installation. Its JSON form is stable.
type Status struct {
	Processes []processStatus `json:"processes"` // running, or recently lost

	Queue       []queueStatus  `json:"queue"`
	LastHour    hourStatus     `json:"last_hour"`
	DeadLetters int            `json:"dead_letters"` // open ones
	OutOfSync   int            `json:"items_out_of_sync"`
	Held        int            `json:"held_deletions"`
	Compared    int            `json:"compared_fields"`  // by the last comparison of each board
	Differing   int            `json:"differing_fields"` // those left different
	Outages     []outageStatus `json:"outages"`
	Paused      []pauseStatus  `json:"paused_queues"`
	Channels    []chanStatus   `json:"alert_channels"`
	Feed        *feedStatus    `json:"salesforce_changes,omitempty"` // nil: nothing is synced to Monday
	Salesforce  *budgetStatus  `json:"salesforce_calls,omitempty"`   // nil: not configured here, or unavailable
	Monday      *mondayCalls   `json:"monday_calls,omitempty"`       // nil: the account reports no limit, or not today
	Comparisons []sweepStatus  `json:"last_comparisons"`             // of each board
	Migration   *runStatus     `json:"last_migration,omitempty"`     // nil: none yet
	Waiting     []waitStatus   `json:"waiting"`                      // running comparisons and imports that wait
}

// waitStatus is a running comparison or import that waits.
type waitStatus struct {
	Kind   string    `json:"kind"` // apply, reconcile, recent, backfill, import
	Board  string    `json:"board"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"` // when it looks again
}

type sweepStatus struct {
	Board      string     `json:"board"`
	Kind       string     `json:"kind"`  // apply, reconcile, recent, backfill
	State      string     `json:"state"` // running, done, failed, stopped
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Items      int        `json:"items"`
	Differing  int        `json:"differing"` // fields and records
	Written    int        `json:"written"`
	Rejected   int        `json:"rejected"`               // sent and not accepted
	Changed    int        `json:"changed_since_the_plan"` // items

	NotWritten []notWritten `json:"not_written"` // the first ones of what was rejected, or has changed since the plan

	run sweepListed
}

type queueStatus struct {
	Queue         string  `json:"queue"`
	State         string  `json:"state"`
	Jobs          int64   `json:"jobs"`
	OldestSeconds float64 `json:"oldest_seconds"`
}

type hourStatus struct {
	Success   int64   `json:"success"`
	Unchanged int64   `json:"unchanged"`
	Skipped   int64   `json:"skipped"`
	Failed    int64   `json:"failed"`
	P50       float64 `json:"p50_seconds"` // from delivery to end
	P99       float64 `json:"p99_seconds"`
}

type outageStatus struct {
	System string    `json:"system"`
	Part   string    `json:"part,omitempty"` // such as "board 1001"; empty: the whole system
	Code   string    `json:"code"`
	Since  time.Time `json:"since"`
}

type pauseStatus struct {
	Queue string    `json:"queue"`
	Since time.Time `json:"since"`
}

type chanStatus struct {
	Channel      string     `json:"channel"`
	FailingSince *time.Time `json:"failing_since,omitempty"` // nil: the last message was accepted
	Error        string     `json:"error,omitempty"`
}

type budgetStatus struct {
	Remaining int `json:"remaining"`
	Limit     int `json:"limit"`
}

// mondayCalls are the account's calls of the day in UTC, as the workers measured them last.
type mondayCalls struct {
	Remaining int  `json:"remaining"`
	Limit     int  `json:"limit"`
	AtEnd     *int `json:"remaining_at_midnight,omitempty"` // at the current rate; nil: that is not known yet
}

// feedStatus describes how current our knowledge of changes in Salesforce is.
type feedStatus struct {
	Objects int     `json:"objects"`
	Oldest  string  `json:"oldest"`         // the object with the oldest knowledge
	Age     float64 `json:"oldest_seconds"` // since all its changes were read
}

type runStatus struct {
	Board      string     `json:"board"`
	State      string     `json:"state"` // running, done, failed
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Read       int        `json:"read"`
	Failed     int        `json:"failed"`
}

// Run shows the state of the installation.
func (c statusCommand) Run(ctx context.Context, p *program) error {
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	now, err := readStatus(ctx, store.New(db), worker.Queue(db))
	if err != nil {
		return err
	}
	now.Salesforce = p.budget(ctx)
	if c.JSON {
		err = p.printJSON(now)
	} else {
		err = p.printStatus(now)
	}
	if c.ExitCode && err == nil {
		err = now.attention()
	}
	return err
}
