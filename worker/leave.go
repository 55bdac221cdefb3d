package worker

import (
	"context"
	"slices"
	"time"

	"crmsync/worker/engine"
)

// handBackFor is how long a worker returns the job of a board that its mapping lacks, so that a worker with a newer
// mapping can take it. After that, no worker seems to know the board.
const handBackFor = 10 * time.Minute

// newerMappingError snoozes an event that this pool's mapping does not contain, if another process has a newer
// mapping, which may contain it.
type newerMappingError struct{}

func (newerMappingError) Error() string {
	return "the event is not mapped here, but another process has a newer mapping"
}

// RetryAfter returns how long the event is left to other processes.
func (newerMappingError) RetryAfter() time.Duration { return time.Second }

// leave returns an event that would be skipped as not mapped to the queue, for a process with a newer mapping, if
// there is one. It stops doing so after a while: by then, no process seems to know the board or column.
func (p *Pool) leave(ctx context.Context, event *engine.Event, created time.Time) error {
	if p.config.HasNewerMapping == nil || p.maps(event) || time.Since(created) > handBackFor {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.JobTimeout)
	defer cancel()
	newer, err := p.config.HasNewerMapping(ctx)
	if err == nil && newer {
		err = newerMappingError{}
	}
	return err
}

// maps reports whether the mapping contains what an event is about.
func (p *Pool) maps(event *engine.Event) bool {
	board := p.config.Mapping.Board(event.BoardID)
	return board != nil && (event.Kind != engine.Updated || slices.Contains(board.Columns, event.ColumnID))
}
