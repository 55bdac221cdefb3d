package console

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"crmsync/internal/report"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// itemConflicts is how many conflicts the page of an item shows.
const itemConflicts = 5

// timelineShown is how many entries of a timeline a page shows.
const timelineShown = 60

// itemData is what the page of an item shows.
type itemData struct {
	*report.Report
	Level   string
	Entries []report.Entry
	Earlier int // entries that are left out
	Plan    []planned
	Mapped  bool
	Differs bool // a field holds something else on both sides
	Meets   bool // a first meeting of a field that also goes to Monday

	Conflicts []store.Conflict
}

// planned is a field that a resync would write.
type planned struct {
	Record string
	Shared bool
	report.Field
}

// levels say how the states are shown.
var levels = map[report.State]string{
	report.Rejected: "bad", report.Failed: "bad", report.Held: "attention", report.Conflict: "attention",
	report.Unshown: "attention", report.FirstMeeting: "attention",
	report.Drift: "attention", report.Differs: "attention", report.Waits: "moving", report.OnItsWay: "moving",
	report.NoRecord: "quiet",
	report.Ended:    "quiet", report.Unknown: "quiet", report.OneWay: "quiet", report.Theirs: "quiet",
	report.Agreed:     "good",
	report.Suppressed: "quiet",
}

func (s *Console) item(r *http.Request) (view, error) {
	id, err := pathID(r, "id", "An item's id")
	if err != nil {
		return view{}, err
	}
	rep, err := s.Reporter.Make(r.Context(), id)
	if errors.Is(err, report.ErrUnknown) {
		return view{}, &pageError{http.StatusNotFound, fmt.Sprintf("There is no item %d.", id),
			"Neither crmsync nor Monday has an item with this id, or the token may not see its board."}
	}
	if err != nil {
		return view{}, err
	}
	d := itemData{Report: rep, Level: levels[rep.State], Entries: rep.Timeline,
		Mapped: rep.Board != "" && rep.State != report.Suppressed}
	if d.Earlier = len(rep.Timeline) - timelineShown; d.Earlier > 0 {
		d.Entries = rep.Timeline[:timelineShown]
	}
	for _, rec := range rep.Records {
		for _, f := range rec.Fields {
			switch f.State {
			case report.Drift, report.Differs, report.FirstMeeting, report.Conflict:
				d.Differs = true
			}
			d.Meets = d.Meets || f.State == report.FirstMeeting && f.Direction != string(mapping.ToSalesforce)
			if f.Sends || f.Takes {
				d.Plan = append(d.Plan, planned{rec.Object, rec.Shared, f})
			}
		}
	}
	if d.Conflicts, err = s.Store.Conflicts(r.Context(), 0, id, itemConflicts); err != nil {
		return view{}, err
	}
	v := view{page: "item", title: rep.Name, data: &d}
	v.again, v.at = again(r, rep)
	return v, nil
}

const (
	lookAgain = 3  // seconds until a page whose item is on its way reloads itself
	looks     = 10 // how many times at most
)

// again lets a page reload itself for a while after an act, as long as something is on its way.
func again(r *http.Request, rep *report.Report) (seconds int, at string) {
	query := r.URL.Query()
	looked, err := strconv.Atoi(query.Get("look"))
	if query.Get("done") == "" || err != nil && query.Get("look") != "" || looked >= looks || !rep.IsMoving() &&
		looked > 0 {
		return 0, ""
	}
	query.Set("look", strconv.Itoa(looked+1))
	return lookAgain, r.URL.Path + "?" + query.Encode()
}
