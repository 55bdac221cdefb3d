package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"crmsync/internal/report"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine"
	"crmsync/worker/engine/plan"
	"crmsync/worker/sweep"
)

// planFile is a plan. Its JSON form is stable.
type planFile struct {
	Version    int          `json:"version"`
	Mapping    string       `json:"mapping"` // fingerprint
	MadeAt     time.Time    `json:"made_at"`
	Choices    plan.Choices `json:"choices"`
	Boards     []boardPlan  `json:"boards"`
	Salesforce callBudget   `json:"salesforce_calls"`
	Monday     callBudget   `json:"monday_calls"`
	Checksum   string       `json:"checksum"` // of everything else
}

// callBudget is what a plan needs of a system's daily calls.
type callBudget struct {
	Needed int `json:"needed"`
	Used   int `json:"used,omitempty"`
	Limit  int `json:"limit,omitempty"` // 0: unknown
}

type boardPlan struct {
	Board           string      `json:"board"`
	ID              int64       `json:"id"`
	Items           int         `json:"items"` // compared items
	Differing       []itemPlan  `json:"differing"`
	Totals          []planTotal `json:"totals"`
	Held            int         `json:"held,omitempty"`       // items whose records the delete brake holds already
	WouldHold       int         `json:"would_hold,omitempty"` // deletions and archivings that it would hold
	SalesforceCalls int         `json:"salesforce_calls"`
	MondayCalls     int         `json:"monday_calls"`
}

type itemPlan struct {
	Item        int64             `json:"item"`
	Digest      string            `json:"digest"`
	Differences []fieldDifference `json:"differences"`
	Records     map[string]string `json:"records,omitempty"` // Ids that other items' references take as given, by record
}

type fieldDifference struct {
	Record       string    `json:"record,omitempty"`
	Object       string    `json:"object,omitempty"`
	SalesforceID string    `json:"salesforce_id,omitempty"`
	Field        string    `json:"field,omitempty"` // empty: the record
	Kind         plan.Kind `json:"kind"`
	Code         string    `json:"code,omitempty"`
	Salesforce   any       `json:"salesforce"`
	Monday       any       `json:"monday"`
	Action       string    `json:"action"`       // write, leave, or hold: the delete brake would hold it
	To           string    `json:"to,omitempty"` // the side that is written, or would be: monday or salesforce
}

// planTotal counts differences of one kind: records, where these are new, and fields.
type planTotal struct {
	Object string    `json:"object,omitempty"`
	Kind   plan.Kind `json:"kind"`
	Count  int       `json:"count"`
	Writes int       `json:"writes"` // those that are written
}

func boardPlanOf(b *mapping.Board, p sweep.Plan) boardPlan {
	all := boardPlan{Board: b.Name, ID: b.ID, Items: p.Items, Held: p.Held, SalesforceCalls: p.Cost.Salesforce,
		MondayCalls: p.Cost.Monday}
	all.Differing, all.Totals = []itemPlan{}, []planTotal{}
	for _, f := range p.Found {
		one := itemPlan{Item: f.ItemID, Digest: sweep.Digest(f)}
		for name := range f.Records {
			if id := p.Records[ledger.RecordRef{ItemID: f.ItemID, Record: name}]; id != "" {
				one.Records = with(one.Records, name, id)
			}
		}
		for _, d := range f.Differences {
			one.Differences = append(one.Differences, fieldDifference{
				d.Record, d.Object, d.SalesforceID, d.Field, d.Kind, d.Code, d.Salesforce, d.Monday, actionOf(d), sideOf(d),
			})
			all.count(d)
		}
		all.Differing = append(all.Differing, one)
	}
	slices.SortFunc(all.Totals, func(a, b planTotal) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object),
			cmp.Compare(a.Kind, b.Kind))
	})
	return all
}

func with(m map[string]string, key, value string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

// What happens to a difference.
const (
	actionWrite = "write"
	actionLeave = "leave"
	actionHold  = "hold" // the delete brake holds it
)

func actionOf(d engine.Difference) string {
	switch {
	case d.Held:
		return actionHold
	case d.Sends || d.Takes:
		return actionWrite
	}
	return actionLeave
}

// sideOf returns the side that is written; empty: none is.
func sideOf(d engine.Difference) string {
	switch {
	case d.Takes, d.Sends && d.Kind == plan.IDColumn:
		return string(mapping.Monday)
	case d.Sends:
		return string(mapping.Salesforce)
	}
	return ""
}

// count adds a difference to the totals. The fields of a new record count as that record.
func (b *boardPlan) count(d engine.Difference) {
	if d.Kind == plan.NewRecord && d.Field != "" {
		return
	}
	n := slices.IndexFunc(b.Totals, func(t planTotal) bool { return t.Object == d.Object && t.Kind == d.Kind })
	if n < 0 {
		n, b.Totals = len(b.Totals), append(b.Totals, planTotal{Object: d.Object, Kind: d.Kind})
	}
	b.Totals[n].Count++
	switch actionOf(d) {
	case actionWrite:
		b.Totals[n].Writes++
	case actionHold:
		b.WouldHold++
	}
}

func (f planFile) differs() bool {
	return slices.ContainsFunc(f.Boards, func(b boardPlan) bool { return len(b.Differing) > 0 })
}

func (f planFile) encode(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(f)
}

// print prints the plan with its values, then the totals.
func (f planFile) print(w io.Writer) error {
	for _, b := range f.Boards {
		fmt.Fprintf(w, "%s (%d): %s compared, %d differ.\n", b.Board, b.ID, plural(b.Items, "item"), len(b.Differing))
		table := newTable(w)
		for _, it := range b.Differing {
			for _, d := range it.Differences {
				fmt.Fprintf(table, "  %d\t%s\t%s\t%s\n", it.Item, d.name(), d.change(), d.words())
			}
		}
		for _, t := range b.Totals {
			fmt.Fprintf(table, "  %s\t%s\t%d\t%s\n", "total", cmp.Or(t.Object, "-"), t.Count, t.Kind.Words()+written(t))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		if b.Held > 0 {
			fmt.Fprintf(w, "  The delete brake holds the records of %s: see crmsync held, or release them with crmsync apply "+
				"%s --accept-deletes.\n", plural(b.Held, "item"), b.Board)
		}
		if b.WouldHold > 0 {
			fmt.Fprintf(w, "  The delete brake would hold %d of the deletions, until crmsync held release, or crmsync apply "+
				"%s --accept-deletes.\n", b.WouldHold, b.Board)
		}
	}
	_, err := fmt.Fprintf(w, "Calls needed: Salesforce %s; Monday %s. At half a second per call, about %s.\n",
		f.Salesforce, f.Monday, (time.Duration(f.Salesforce.Needed+f.Monday.Needed) * time.Second / 2).Round(time.Second))
	return err
}

func written(t planTotal) string {
	switch t.Writes {
	case 0:
		return ", left alone"
	case t.Count:
		return ""
	}
	return fmt.Sprintf(", %d left alone", t.Count-t.Writes)
}

func (d fieldDifference) name() string {
	name := cmp.Or(d.Record, "item")
	if d.Field != "" {
		name += "." + d.Field
	}
	return name
}

// change returns the new value and the old one, or what cannot be written.
func (d fieldDifference) change() string {
	switch {
	case d.Kind == plan.CannotBeSent, d.Kind == plan.CannotBeShown && d.Salesforce == nil:
		return strings.TrimSpace(d.Code + " " + inPlanUnless(d.Monday == nil, d.Monday))
	case d.Kind == plan.IDColumn && d.Code != "": // the record is gone
		return inPlan(d.Monday) + " -> (empty)"
	case d.Kind == plan.IDColumn:
		return inPlan(d.Monday) + " -> " + cmp.Or(d.SalesforceID, "(Id of the new record)")
	case d.Field == "":
		return strings.TrimSpace(d.Object + " " + d.SalesforceID)
	case d.Kind == plan.NewRecord:
		return inPlan(d.Monday)
	case d.Kind == plan.CannotBeShown:
		return strings.TrimSpace(d.Code + " " + inPlan(d.Monday) + " -> " + inPlan(d.Salesforce))
	case d.To == string(mapping.Monday):
		return inPlan(d.Monday) + " -> " + inPlan(d.Salesforce)
	}
	return inPlan(d.Salesforce) + " -> " + inPlan(d.Monday)
}

func inPlanUnless(left bool, v any) string {
	if left {
		return ""
	}
	return inPlan(v)
}

func (d fieldDifference) words() string {
	switch {
	case d.Kind == plan.Deleted:
		return d.Kind.Words() + d.end()
	case d.Kind == plan.Gone && d.To == string(mapping.Monday):
		held := map[bool]string{true: ", but for the delete brake"}[d.Action == actionHold]
		return d.Kind.Words() + ": the item is archived" + held
	case d.Action == actionLeave && report.Unadopted(d.Code) != "":
		return d.Kind.Words() + ", left alone: " + report.Unadopted(d.Code)
	case d.Action == actionLeave:
		return d.Kind.Words() + ", left alone"
	case d.To == string(mapping.Monday) && d.Kind != plan.IDColumn:
		return d.Kind.Words() + ", to Monday"
	}
	return d.Kind.Words()
}

// end returns what happens to the record of an item that has ended.
func (d fieldDifference) end() string {
	switch {
	case d.Action == actionHold:
		return ": the deletion of its record is held by the delete brake"
	case d.Action == actionWrite:
		return ": its record is deleted"
	case d.Record != "":
		return ": its record is kept"
	}
	return ": it has no record"
}

// inPlan formats a value on one line.
func inPlan(v any) string {
	switch v := v.(type) {
	case nil:
		return "(empty)"
	case string:
		if strings.HasPrefix(v, "new:") {
			return "(Id of the new record)"
		}
		return fmt.Sprintf("%q", v)
	}
	return fmt.Sprint(v)
}

// String returns the number of calls, and its share of the day if that is known.
func (b callBudget) String() string {
	if b.Limit == 0 {
		return fmt.Sprint(b.Needed)
	}
	return fmt.Sprintf("%d (%.1f %% of the day's %d; %d are used)", b.Needed,
		100*float64(b.Needed)/float64(b.Limit), b.Limit, b.Used)
}
