package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"crmsync/internal/progress"
	"crmsync/internal/report"
)

type itemCommand struct {
	Item itemID `arg:"" name:"id" help:"Id of the item in Monday."`
	JSON bool   `help:"Print JSON."`
}

// Run reports the state of an item. It reads both systems and changes nothing.
func (c itemCommand) Run(ctx context.Context, p *program) error {
	s, _, db, err := p.comparison(ctx, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	config, err := s.PoolConfig(db, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	r, err := s.NewReporter(db, config.Salesforce, config.Monday).Make(ctx, int64(c.Item))
	if err != nil {
		return fmt.Errorf("item %d: %w", c.Item, err)
	}
	if c.JSON {
		return p.printJSON(r)
	}
	return printReport(p.stdout, r)
}

// timelineShown is how many entries of the timeline a terminal shows.
const timelineShown = 20

func printReport(w io.Writer, r *report.Report) error {
	fmt.Fprintf(w, "%s (item %d, board %s)\n", cmp.Or(r.Name, "unnamed"), r.Item, cmp.Or(r.Board, fmt.Sprint(r.BoardID)))
	if r.MondayURL != "" {
		fmt.Fprintln(w, r.MondayURL)
	}
	fmt.Fprintf(w, "\n%s.\n", r.Line())
	if r.Advice != "" {
		fmt.Fprintln(w, r.Advice)
	}
	for _, a := range r.Asked {
		fmt.Fprintf(w, "%s, asked for at %s.\n", a.Does, moment(a.Since))
	}
	if r.Holds != nil {
		fmt.Fprintf(w, "Decide with: crmsync held release %d, or crmsync held drop %d\n", r.Item, r.Item)
	}
	for _, problem := range r.Problems {
		fmt.Fprintln(w, problem)
	}
	for _, rec := range r.Records {
		if err := printRecord(w, rec); err != nil {
			return err
		}
	}
	if n := r.Writes(); n > 0 {
		fmt.Fprintf(w, "\nA resync would write %s: crmsync apply %s --item %d\n", plural(n, "field"), r.Board, r.Item)
	}
	for _, l := range r.DeadLetters {
		fmt.Fprintf(w, "\nDead letter %d, after %s: %s\nOnce its cause is corrected: crmsync replay %d\n", l.JobID,
			plural(l.Attempts, "attempt"), l.Reason, l.JobID)
	}
	return printTimeline(w, r.Timeline)
}

func printRecord(w io.Writer, rec report.Record) error {
	fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(fmt.Sprintf("%s (%s) %s", rec.Object, rec.Name,
		cmp.Or(rec.URL, rec.SalesforceID))))
	if rec.Note != "" {
		fmt.Fprintln(w, strings.TrimSpace(rec.Note+" "+rec.Code))
	}
	if rec.SalesforceID == "" && rec.State != report.Rejected {
		return nil
	}
	table := newTable(w)
	fmt.Fprintln(table, "  FIELD\tCOLUMN\tMONDAY\tSALESFORCE\tSTATE")
	longest := widest(w)
	for _, f := range rec.Fields {
		var columns []string
		for _, c := range f.Columns {
			columns = append(columns, c.Title)
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", f.Name, cmp.Or(strings.Join(columns, ", "), "-"),
			shown(cmp.Or(f.Wanted, f.Monday), longest), shown(f.Salesforce, longest),
			strings.TrimSpace(f.State.Words()+" "+f.Code))
	}
	return table.Flush()
}

func printTimeline(w io.Writer, entries []report.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	table := newTable(w)
	longest := widest(w)
	for _, e := range entries[:min(len(entries), timelineShown)] {
		fmt.Fprintf(table, "%s\t%s\t%s\n", moment(e.At), oneLine(e.Text+by(e.By), longest), oneLine(e.Effect, longest))
	}
	if more := len(entries) - timelineShown; more > 0 {
		fmt.Fprintf(table, "\tand %d earlier: crmsync item --json\n", more)
	}
	return table.Flush()
}

// widest returns the maximum length of a text in a table: a terminal has no room for long ones; 0: any length.
func widest(w io.Writer) int {
	if progress.OnTerminal(w) {
		return 48
	}
	return 0
}

// shown formats a value for a table.
func shown(value string, longest int) string { return cmp.Or(oneLine(value, longest), "(empty)") }

// oneLine formats a text for a table: on one line, up to a length, and without control characters.
func oneLine(text string, longest int) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); longest > 0 && len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return text
}

// by says who did something, if that is known.
func by(who string) string {
	if who == "" {
		return ""
	}
	return " by " + who
}
