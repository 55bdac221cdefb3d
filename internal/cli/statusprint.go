package cli

import (
	"fmt"
	"io"
	"math"
	"time"

	"crmsync/internal/report"
)

// printStatus prints the state of the installation as a table.
func (p *program) printStatus(now Status) error {
	if err := p.printProcesses(now.Processes); err != nil {
		return err
	}
	table := newTable(p.stdout)
	now.printQueue(table)
	fmt.Fprintln(table)
	now.printCounts(table)
	now.printSystems(table)
	now.printRuns(table)
	if err := table.Flush(); err != nil {
		return err
	}
	for _, c := range now.Comparisons {
		if err := c.run.printNotWritten(p.stdout); err != nil {
			return err
		}
	}
	return nil
}

func (now Status) printQueue(table io.Writer) {
	fmt.Fprintln(table, "QUEUE\tSTATE\tJOBS\tOLDEST")
	for _, q := range now.Queue {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", q.Queue, q.State, q.Jobs, seconds(q.OldestSeconds))
	}
	for _, p := range now.Paused {
		fmt.Fprintf(table, "%s\tPAUSED since %s; resume it in the dashboard\n", p.Queue, moment(p.Since))
	}
}

func (now Status) printCounts(table io.Writer) {
	h := now.LastHour
	fmt.Fprintf(table, "last hour\t%d synced\t%d unchanged\t%d skipped\t%d failed\n",
		h.Success, h.Unchanged, h.Skipped, h.Failed)
	fmt.Fprintf(table, "delivery to end\tp50 %s\tp99 %s\n", seconds(h.P50), seconds(h.P99))
	hint := ""
	if now.DeadLetters > 0 {
		hint = ": crmsync errors"
	}
	fmt.Fprintf(table, "dead letters\t%d%s\n", now.DeadLetters, hint)
	fmt.Fprintf(table, "out of sync\t%s with a rejected value\n", plural(now.OutOfSync, "item"))
	if now.Held > 0 {
		fmt.Fprintf(table, "delete brake\t%s held: crmsync held\n", plural(now.Held, "item"))
	}
	if now.Compared > 0 {
		fmt.Fprintf(table, "last comparison\t%s\n", agreeing(now.Compared, now.Differing))
	}
}

func (now Status) printSystems(table io.Writer) {
	for _, system := range []string{"salesforce", "monday"} {
		fmt.Fprintf(table, "%s\t%s\n", system, standing(now.Outages, system))
	}
	for _, o := range now.Outages {
		if o.Part != "" {
			fmt.Fprintf(table, "%s, %s\taway since %s (%s)\n", o.System, o.Part, moment(o.Since), o.Code)
		}
	}
	for _, c := range now.Channels {
		if c.FailingSince != nil {
			fmt.Fprintf(table, "alerts by %s\tfailing since %s (%s)\n", c.Channel, moment(*c.FailingSince), c.Error)
		}
	}
	if f := now.Feed; f != nil {
		fmt.Fprintf(table, "way back\tup to date as of %s ago\n", seconds(f.Age))
	}
	if now.Salesforce != nil {
		fmt.Fprintf(table, "salesforce calls\t%d of %d left\n", now.Salesforce.Remaining, now.Salesforce.Limit)
	}
	if m := now.Monday; m != nil {
		end := ""
		if m.AtEnd != nil {
			end = fmt.Sprintf("; %d at midnight UTC, at the current rate", *m.AtEnd)
		}
		fmt.Fprintf(table, "monday calls\t%d of %d left today%s\n", m.Remaining, m.Limit, end)
	}
}

// printRuns prints the comparisons that are not simply done, the last import, and which runs wait.
func (now Status) printRuns(table io.Writer) {
	for _, c := range now.Comparisons {
		if c.State != "done" || c.Kind == "backfill" || c.Rejected+c.Changed > 0 {
			fmt.Fprintf(table, "%s of %s\t%s\t%s\t%d differing\t%d written\t%d rejected\t%d changed since the plan\tfrom %s\n",
				c.Kind, c.Board, c.State, plural(c.Items, "item"), c.Differing, c.Written, c.Rejected, c.Changed,
				moment(c.StartedAt))
		}
	}
	if m := now.Migration; m != nil {
		fmt.Fprintf(table, "last import\t%s\t%s\t%d read\t%d failed\tfrom %s\n",
			m.Board, m.State, m.Read, m.Failed, moment(m.StartedAt))
	}
	for _, w := range now.Waiting {
		fmt.Fprintf(table, "%s of %s %s\n", report.SweepWords(w.Kind), w.Board, report.WaitWords(w.Reason, w.Until))
	}
}

// agreeing returns the share of fields that agree, rounded down: if a field differs, it is never 100 %.
func agreeing(compared, differing int) string {
	share := math.Floor(10_000*float64(compared-differing)/float64(compared)) / 100
	text := fmt.Sprintf("%.2f %% of %s agree", share, plural(compared, "field"))
	if differing > 0 {
		text += fmt.Sprintf("; %d differ: crmsync plan", differing)
	}
	return text
}

func standing(outages []outageStatus, system string) string {
	for _, o := range outages {
		if o.System == system && o.Part == "" {
			return fmt.Sprintf("away since %s (%s)", moment(o.Since), o.Code)
		}
	}
	return "no known outage"
}

func moment(t time.Time) string { return t.UTC().Format(time.DateTime + " UTC") }

// seconds returns a duration, no more precise than people need it.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
