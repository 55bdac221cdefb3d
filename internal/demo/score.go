package demo

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	sfsim "crmsync/internal/sim/salesforce"
)

// scoreboard compares the records in Salesforce with Monday's boards.
type scoreboard struct {
	rows   []*row
	faults []string // what is wrong, one line each

	byPeople, echoes, deliveries int // events, and the requests that delivered them
	salesforce, monday           int // API calls
	before                       before
	tally                        tally
	lag, lagFromChange           lag
	back                         wayBack
	outage                       outage
	letters, alerts              []string // items of dead letters, and messages, as received by Telegram
	took                         time.Duration
}

// row counts the records of one object.
type row struct {
	title                                          string
	expected, found, lost, doubled, stale, toomany int
}

// lag is the median and the 99th percentile of a duration.
type lag struct{ p50, p99 time.Duration }

// score computes the scoreboard from the state of both simulators and of the messenger. Only the lag, which they
// cannot know, comes from the program.
func (d *demo) score(ctx context.Context) (*scoreboard, error) {
	b := &scoreboard{
		salesforce: d.used.salesforce - d.before.salesforce, monday: d.used.monday - d.before.monday,
		tally: d.faults.tally(), before: d.before,
		alerts: d.Telegram.Texts(), letters: d.lettersTold(), took: time.Since(d.began),
	}
	b.byPeople = int(d.scenario.performed.Load()) - d.scenario.inSalesforceOnly()
	b.echoes, b.deliveries = d.used.events-d.before.events-b.byPeople, d.used.deliveries-d.before.deliveries
	d.scoreRecords(b)
	d.scoreTelling(b)
	d.scoreWide(b)
	err := d.scoreBack(ctx, b)
	if err != nil {
		return nil, err
	}
	if b.lag, err = d.lag(ctx, "received_at"); err == nil {
		b.lagFromChange, err = d.lag(ctx, "(SELECT (args->>'triggered_at')::timestamptz FROM river_job WHERE id = job_id)")
	}
	return b, err
}

// scoreRecords looks for every expected record, and then for others.
func (d *demo) scoreRecords(b *scoreboard) {
	found := map[string]string{} // Ids of Accounts, by item or name
	shown := &row{title: "Id in Monday"}
	all := d.expected()
	for _, object := range []string{"Account", "Contact", "Lead", "Opportunity"} {
		row := &row{title: object}
		b.rows = append(b.rows, row)
		left := d.Salesforce.Records(object)
		var there []expected
		for _, e := range all {
			if e.Object != object {
				continue
			}
			there = append(there, e)
			if account, ok := found[e.account()]; ok {
				e.Fields["AccountId"] = account
			}
			record := takeRecord(&left, e.is)
			if object == "Account" && record != nil {
				id, _ := record["Id"].(string)
				found[fmt.Sprint(e.item)], found[e.name] = id, id
			}
			b.scoreRecord(row, e, record)
			d.scoreShown(b, shown, e, record)
		}
		b.scoreRest(row, there, left)
	}
	b.rows = append(b.rows, shown)
}

// account returns the key of the Account that the record belongs to.
func (e expected) account() string {
	if e.Account != 0 {
		return strconv.FormatInt(e.Account, 10)
	}
	return e.Company
}

func (b *scoreboard) scoreRecord(row *row, e expected, record map[string]any) {
	row.expected++
	if record == nil {
		row.lost++
		b.fault("lost: %s %q of item %d", e.Object, e.name, e.item)
		return
	}
	row.found++
	if field := e.differs(record); field != "" {
		row.stale++
		b.fault("stale: %s %q of item %d, whose %s is %v instead of %v", e.Object, e.name, e.item, field, record[field],
			e.Fields[field])
	}
}

// scoreShown checks whether the item shows the Id of its record.
func (d *demo) scoreShown(b *scoreboard, row *row, e expected, record map[string]any) {
	item, _ := d.Monday.Item(e.item)
	if e.Column == "" || item.State != "active" {
		return
	}
	row.expected++
	switch text := item.Text[e.Column]; {
	case text == "":
		row.lost++
		b.fault("item %d shows no Id of its %s", e.item, e.Object)
	case record == nil || text != record["Id"]:
		row.stale++
		b.fault("item %d shows another Id than that of its %s", e.item, e.Object)
	default:
		row.found++
	}
}

// scoreRest counts unexpected records: duplicates of others, or records that should not exist.
func (b *scoreboard) scoreRest(row *row, expected []expected, left []map[string]any) {
	for _, record := range left {
		what := "too many"
		row.toomany++
		for _, e := range expected {
			if e.same(record) {
				what = "doubled"
				row.doubled, row.toomany = row.doubled+1, row.toomany-1
				break
			}
		}
		b.fault("%s: %s %v of item %v", what, row.title, record["Name"], record[sfsim.KeyField])
	}
}

// scoreTelling checks what Monday and Telegram received.
func (d *demo) scoreTelling(b *scoreboard) {
	if n := d.Monday.Pending() + d.Monday.FailedDeliveries(); n > 0 {
		b.fault("%d deliveries were not accepted", n)
	}
	if n := d.before.wrote; n > 0 {
		b.fault("%d events of imported items wrote something", n)
	}
	if n := d.Salesforce.InFlightViolations(); n > 0 {
		b.fault("%d times, two writes of one record were in flight at once", n)
	}
	expected := map[string]bool{}
	for item := range d.scenario.held {
		expected[strconv.FormatInt(item, 10)] = true
	}
	for _, item := range b.letters {
		if !expected[item] {
			b.fault("unexpected dead letter of item %s", item)
		}
		delete(expected, item)
	}
	for item := range expected {
		b.fault("no dead letter of item %s", item)
	}
}

func (b *scoreboard) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

func (b *scoreboard) right() bool { return len(b.faults) == 0 }

// takeRecord removes and returns the first record that fits, or nil.
func takeRecord(records *[]map[string]any, fits func(map[string]any) bool) map[string]any {
	for n, record := range *records {
		if fits(record) {
			*records = append((*records)[:n:n], (*records)[n+1:]...)
			return record
		}
	}
	return nil
}

// lettersTold returns the items of the dead letters that Telegram received.
func (d *demo) lettersTold() (items []string) {
	for _, text := range d.Telegram.Texts() {
		for _, match := range toldDeadLetter.FindAllStringSubmatch(text, -1) {
			items = append(items, match[1])
		}
	}
	return items
}

var toldDeadLetter = regexp.MustCompile(`(?m)^.*\bjob \d+.*?(?:\bitem (\d+).*)?$`)

// lag returns the time from a moment of an event until its record is written and its outcome stored.
func (d *demo) lag(ctx context.Context, from string) (l lag, err error) {
	var p50, p99 float64
	query := strings.ReplaceAll(`
		SELECT coalesce(percentile_cont(0.50) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - $from)), 0),
		       coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - $from)), 0)
		FROM   sync_logs WHERE status = 'success' AND event <> 'migrate_board'`, "$from", from)
	if err := d.DB.QueryRow(ctx, query).Scan(&p50, &p99); err != nil {
		return l, fmt.Errorf("computing the lag: %w", err)
	}
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	return lag{seconds(p50), seconds(p99)}, nil
}
