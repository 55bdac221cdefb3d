package cli

import (
	"time"

	"crmsync/schema/queue"
	"crmsync/schema/store"
)

// letterListed is a dead letter as it is listed. Its JSON form is stable.
type letterListed struct {
	Job      int64     `json:"job"`
	FailedAt time.Time `json:"failed_at"`
	Event    string    `json:"event"`
	Board    *int64    `json:"board,omitempty"`
	Item     *int64    `json:"item,omitempty"`
	Attempts int       `json:"attempts"`
	Code     string    `json:"code,omitempty"`
	Cause    string    `json:"cause,omitempty"`
	Reason   string    `json:"reason"`
}

func lettersListed(letters []store.DeadLetter) []letterListed {
	all := []letterListed{}
	for _, l := range letters {
		all = append(all, letterListed{l.JobID, l.EndedAt.UTC(), l.Event, l.BoardID, l.ItemID, l.Attempts, l.Code,
			l.CauseID, l.Reason})
	}
	return all
}

// replayListed is what a replay did. Its JSON form is stable.
type replayListed struct {
	Replayed []int64         `json:"replayed"`
	Staying  []stayingListed `json:"staying"`
}

type stayingListed struct {
	Job    int64  `json:"job"`
	Reason string `json:"reason"`
}

func replayDone(replayed []int64, staying []queue.Staying) replayListed {
	done := replayListed{Replayed: append([]int64{}, replayed...), Staying: []stayingListed{}}
	for _, s := range staying {
		done.Staying = append(done.Staying, stayingListed{s.JobID, s.Reason})
	}
	return done
}

// runListed is a run of an import. Its JSON form is stable.
type runListed struct {
	ID         int64      `json:"id"`
	Board      string     `json:"board"`
	State      string     `json:"state"` // running, done, failed
	StartedAt  *time.Time `json:"started_at,omitempty"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Read       int        `json:"read"`
	Created    int        `json:"created"`
	Updated    int        `json:"updated"`
	Unchanged  int        `json:"unchanged"`
	Conflicts  int        `json:"conflicts"`
	Failed     int        `json:"failed"`
	LeftOut    int        `json:"left_out"`
	Error      string     `json:"error,omitempty"`
}

func runsListed(runs []store.Run) []runListed {
	all := []runListed{}
	for _, r := range runs {
		one := runListed{ID: r.ID, Board: r.Board, State: r.State, FinishedAt: r.FinishedAt, Read: r.Read,
			Created: r.Created, Updated: r.Updated,
			Unchanged: r.Unchanged, Conflicts: r.Conflicts, Failed: r.Failed, LeftOut: r.LeftOut, Error: r.Error}
		if !r.StartedAt.IsZero() {
			one.StartedAt = &r.StartedAt
		}
		all = append(all, one)
	}
	return all
}

// webhookListed is a webhook that the mapping needs. Its JSON form is stable.
type webhookListed struct {
	Board   int64  `json:"board"`
	Name    string `json:"name"` // of the board in the mapping
	Event   string `json:"event"`
	State   string `json:"state"` // present, missing, registered, refused
	Webhook string `json:"webhook,omitempty"`
}
