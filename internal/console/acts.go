package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// notices are what pages say about an act that was done. n is how many things it was about.
var notices = map[string]func(n int) string{
	"asked":    func(int) string { return "That is already under way." },
	"resync":   func(int) string { return "The item is being compared again." },
	"send":     func(int) string { return "Monday’s values are being sent." },
	"back":     func(int) string { return "Salesforce’s values are being taken." },
	"replayed": func(n int) string { return plural(n, "event") + " put back into the queue." },
	"ignored":  func(n int) string { return plural(n, "dead letter") + " ignored." },
	"released": func(n int) string {
		return "The records of " + plural(n, "item") +
			" will be deleted once Monday has confirmed again that the items are gone."
	},
	"dropped": func(n int) string { return "The records of " + plural(n, "item") + " are kept." },
	"released-archives": func(n int) string {
		return plural(n, "item") + " released: each is archived, or its records are deleted, once the other system has " +
			"confirmed again what was deleted."
	},
	"dropped-archives": func(n int) string {
		return plural(n, "item") + " dropped: items and records stay as they are."
	},
	"taken": func(n int) string { return "The value is being written to both sides." },
	"erased": func(n int) string {
		return "Values erased in " + plural(n, "row") + ". The item is still synced: they are stored again when it " +
			"changes or is compared."
	},
	"erased-for-good": func(n int) string {
		return "Values erased in " + plural(n, "row") + ". The item is not synced again."
	},
}

// notice returns what the page says about the act that led to it, or "".
func notice(r *http.Request) string {
	text := notices[r.URL.Query().Get("done")]
	n, err := strconv.Atoi(r.URL.Query().Get("n"))
	if text == nil || err != nil || n < 0 {
		return ""
	}
	return text(n)
}

// itemOf returns the item that a path names, with its board.
func (s *Console) itemOf(r *http.Request) (id int64, board *mapping.Board, err error) {
	if id, err = pathID(r, "id", "An item's id"); err != nil {
		return 0, nil, err
	}
	item, err := s.Store.Item(r.Context(), id)
	if err != nil {
		return 0, nil, err
	}
	if item != nil && item.Suppressed {
		return 0, nil, &pageError{http.StatusConflict, "This item was erased for good.", "crmsync leaves it alone."}
	}
	if item != nil {
		board = s.Mapping.Board(item.BoardID)
	} else if n, ok := idOf(r.PostForm.Get("board")); ok {
		board = s.Mapping.Board(n)
	}
	if board == nil {
		return 0, nil, &pageError{http.StatusConflict, "The item’s board is not in the mapping.", ""}
	}
	return id, board, nil
}

// resync has an item compared, and the differences written.
func (s *Console) resync(r *http.Request, by store.By) (done, error) {
	return s.compare(r, by, store.ActResync, store.SweepOptions{})
}

// sendBack ends the first meetings of an item with Salesforce's values.
func (s *Console) sendBack(r *http.Request, by store.By) (done, error) {
	return s.compare(r, by, store.ActTake, store.SweepOptions{Adopt: mapping.Salesforce})
}

// send has Monday's values sent, whatever Salesforce holds.
func (s *Console) send(r *http.Request, by store.By) (done, error) {
	return s.compare(r, by, store.ActTake, store.SweepOptions{Adopt: mapping.Monday, Enforce: true})
}

func (s *Console) compare(r *http.Request, by store.By, act string, o store.SweepOptions) (done, error) {
	id, board, err := s.itemOf(r)
	if err != nil {
		return done{}, err
	}
	o.Items = []int64{id}
	subject, what := store.Subject("item", o.Items), "resync"
	if act == store.ActTake {
		subject, what = subject+": Monday's values", "send"
	}
	if o.Adopt == mapping.Salesforce {
		subject, what = store.Subject("item", o.Items)+": Salesforce's values", "back"
	}
	w := store.Sweep{BoardID: board.ID, Board: board.Name, Kind: "apply", Options: o}
	operation := store.Operation{By: by, Act: act, Subject: subject, Items: o.Items}
	_, err = s.Store.AddSweep(r.Context(), w, func(ctx context.Context, tx pgx.Tx, sweep store.Sweep) error {
		if err := s.QueueSweep(ctx, tx, sweep); err != nil {
			return err
		}
		return store.RecordOperation(ctx, tx, operation)
	})
	if errors.Is(err, store.ErrSweeping) { // the same was requested a moment ago
		what, err = "asked", s.Store.RecordOperation(r.Context(), operation)
	}
	return done{fmt.Sprintf("/items/%d", id), what, 1}, err
}

// replayItem puts the open dead letters of an item back.
func (s *Console) replayItem(r *http.Request, by store.By) (done, error) {
	id, err := pathID(r, "id", "An item's id")
	if err != nil {
		return done{}, err
	}
	history, err := s.Store.ItemHistory(r.Context(), id)
	if err != nil {
		return done{}, err
	}
	var jobs []int64
	for _, l := range history.DeadLetters {
		if l.IsOpen() {
			jobs = append(jobs, l.JobID)
		}
	}
	return s.replay(r.Context(), by, jobs, fmt.Sprintf("/items/%d", id))
}

func (s *Console) replayDeadLetter(r *http.Request, by store.By) (done, error) {
	job, at, err := letterOf(r)
	if err != nil {
		return done{}, err
	}
	return s.replay(r.Context(), by, []int64{job}, at)
}

func (s *Console) ignoreDeadLetter(r *http.Request, by store.By) (done, error) {
	job, at, err := letterOf(r)
	if err != nil {
		return done{}, err
	}
	return s.ignore(r.Context(), by, []int64{job}, at)
}

// returning returns the page of the item that a form names, or another one.
func returning(r *http.Request, otherwise string) string {
	if item, ok := idOf(r.PostForm.Get("item")); ok {
		return fmt.Sprintf("/items/%d", item)
	}
	return otherwise
}

// letterOf returns the job of the dead letter that a path names, and the page to continue with.
func letterOf(r *http.Request) (job int64, at string, err error) {
	if job, err = pathID(r, "job", "A job's id"); err != nil {
		return 0, "", err
	}
	return job, returning(r, "/errors"), nil
}

func (s *Console) replayCause(r *http.Request, by store.By) (done, error) {
	jobs, err := s.jobsOf(r)
	if err != nil {
		return done{}, err
	}
	return s.replay(r.Context(), by, jobs, "/errors/"+r.PathValue("cause"))
}

func (s *Console) ignoreCause(r *http.Request, by store.By) (done, error) {
	jobs, err := s.jobsOf(r)
	if err != nil {
		return done{}, err
	}
	return s.ignore(r.Context(), by, jobs, "/errors")
}

// jobsOf returns the jobs of the open dead letters of the cause that a path names.
func (s *Console) jobsOf(r *http.Request) (jobs []int64, err error) {
	cause, err := s.knownCause(r)
	if err != nil {
		return nil, err
	}
	letters, err := s.Store.FindDeadLetters(r.Context(), store.DeadLetterFilter{Cause: cause.ID}, 0)
	for _, l := range letters {
		jobs = append(jobs, l.JobID)
	}
	return jobs, err
}

func (s *Console) replay(ctx context.Context, by store.By, jobs []int64, at string) (done, error) {
	replayed, staying, err := s.Queue.Replay(ctx, jobs, s.MaxAttempts, by)
	if err == nil && len(replayed) == 0 && len(staying) > 0 {
		err = &pageError{http.StatusConflict, "Nothing was put back into the queue.",
			"Job " + strconv.FormatInt(staying[0].JobID, 10) + ": " + staying[0].Reason + "."}
	}
	return done{at, "replayed", len(replayed)}, err
}

func (s *Console) ignore(ctx context.Context, by store.By, jobs []int64, at string) (done, error) {
	ignored, err := s.Store.IgnoreDeadLetters(ctx, jobs, by)
	return done{at, "ignored", len(ignored)}, err
}

// release lets what is held for a board proceed: the deletion of records, once Monday has confirmed again that the
// items are gone, and the archiving of items.
func (s *Console) release(r *http.Request, by store.By) (done, error) {
	return s.decide(r, store.Decision{By: by, Act: store.ActRelease})
}

// drop leaves a board's held items and their records as they are.
func (s *Console) drop(r *http.Request, by store.By) (done, error) {
	return s.decide(r, store.Decision{By: by, Act: store.ActDrop})
}

// releaseItem lets what is held for an item proceed.
func (s *Console) releaseItem(r *http.Request, by store.By) (done, error) {
	return s.decideItem(r, store.Decision{By: by, Act: store.ActRelease})
}

// dropItem leaves a held item and its records as they are.
func (s *Console) dropItem(r *http.Request, by store.By) (done, error) {
	return s.decideItem(r, store.Decision{By: by, Act: store.ActDrop})
}

// decide decides about everything that is held for the board that a path names.
func (s *Console) decide(r *http.Request, d store.Decision) (_ done, err error) {
	if d.BoardID, err = pathID(r, "board", "A board's id"); err != nil {
		return done{}, err
	}
	decided, err := s.Store.Decide(r.Context(), d, s.Release)
	return decision(d.Act, decided, "/held"), err
}

// decideItem decides about the item that a path names.
func (s *Console) decideItem(r *http.Request, d store.Decision) (done, error) {
	id, err := pathID(r, "id", "An item's id")
	if err != nil {
		return done{}, err
	}
	d.Items = []int64{id}
	decided, err := s.Store.Decide(r.Context(), d, s.Release)
	if err == nil && len(decided) == 0 {
		err = &pageError{http.StatusConflict, "The delete brake does not hold this item.",
			"Someone may have decided about it a moment ago."}
	}
	return decision(d.Act, decided, fmt.Sprintf("/items/%d", id)), err
}

// decision returns what was decided, and the page to continue with.
func decision(act string, decided []store.Decided, at string) done {
	what := "dropped"
	if act == store.ActRelease {
		what = "released"
	}
	if store.Archives(decided) > 0 {
		what += "-archives"
	}
	return done{at, what, len(decided)}
}

// take writes one side's value of a conflict to both sides.
func (s *Console) take(r *http.Request, by store.By) (done, error) {
	id, err := pathID(r, "id", "A conflict's id")
	side := r.PostForm.Get("side")
	if err != nil || side != string(mapping.Monday) && side != string(mapping.Salesforce) {
		return done{}, notFound("There is no such conflict.")
	}
	chosen, err := s.Store.Choose(r.Context(), []int64{id}, side, by, s.Take)
	if err == nil && len(chosen) == 0 {
		err = &pageError{http.StatusConflict, "This conflict has no values any more.", "They were erased."}
	}
	return done{returning(r, "/conflicts"), "taken", len(chosen)}, err
}

func (s *Console) erase(r *http.Request, by store.By) (done, error) {
	id, err := pathID(r, "id", "An item's id")
	if err != nil {
		return done{}, err
	}
	if r.PostForm.Get("sure") != "yes" {
		return done{}, &pageError{http.StatusBadRequest, "Nothing was erased.", "Tick the box to confirm."}
	}
	forGood, what := r.PostForm.Get("suppress") == "yes", "erased"
	if forGood {
		what = "erased-for-good"
	}
	rows, err := s.Erase(r.Context(), id, forGood, by)
	return done{fmt.Sprintf("/items/%d", id), what, rows}, err
}
