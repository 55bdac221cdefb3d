package demo

import (
	"fmt"
	"io"
	"strings"
	"time"

	"crmsync/internal/words"
)

// faultsShown is how many faults a scoreboard lists.
const faultsShown = 10

// print prints the scoreboard and its verdict.
func (b *scoreboard) print(w io.Writer) {
	fmt.Fprint(w, "\nScoreboard: what Salesforce holds, against what Monday's boards say\n\n")
	fmt.Fprintf(w, "  %-14s%10s%10s%10s%10s%10s%10s\n", "", "expected", "found", "lost", "doubled", "stale", "too many")
	for _, r := range b.rows {
		fmt.Fprintf(w, "  %-14s%10s%10s%10s%10s%10s%10s\n", r.title, words.Number(r.expected), words.Number(r.found),
			words.Number(r.lost), words.Number(r.doubled), words.Number(r.stale), words.Number(r.toomany))
	}
	fmt.Fprintln(w)
	line := func(title, format string, args ...any) {
		fmt.Fprintf(w, "  %-14s"+format+"\n", append([]any{title}, args...)...)
	}
	line("migrated", "%s records in %s; %d calls to Salesforce and %d to Monday; of the %s resulting events, %s "+
		"wrote anything",
		words.Number(b.before.records), spoken(b.before.took), b.before.salesforce, b.before.monday,
		words.Number(b.before.events), words.Number(b.before.wrote))
	line("events", "%s by people, %s echoes of our own writes; delivered %s times in all", words.Number(b.byPeople),
		words.Number(b.echoes), words.Number(b.deliveries))
	line("lag", "p50 %s, p99 %s, from a webhook's arrival until its record is written", spoken(b.lag.p50),
		spoken(b.lag.p99))
	line("", "p50 %s, p99 %s, from the change in Monday, late delivery included", spoken(b.lagFromChange.p50),
		spoken(b.lagFromChange.p99))
	line("way back", "%d edits in Salesforce, %d of them in Monday: p50 %s, p99 %s at a poll of %s", b.back.edits,
		b.back.shown, spoken(b.back.lag.p50), spoken(b.back.lag.p99), spoken(pollEvery))
	line("", "%d on both sides at once: Monday's value won %d times, the other is stored (crmsync conflicts)",
		b.back.contrary, b.back.ruled)
	line("lost webhooks", "%d changes; one comparison of %s items found and repaired them in %s",
		b.outage.changes, words.Number(b.outage.compared), spoken(b.outage.healed))
	line("new field", "added to the mapping while everything ran: %s people got it in %s",
		words.Number(b.outage.people), spoken(b.outage.filled))
	line("API calls", "%.2f to Salesforce and %.2f to Monday per event by people; a call for each would be 1.00",
		b.perEvent(b.salesforce), b.perEvent(b.monday))
	line("survived", "%d calls that failed before writing, %d after it, %d slow ones, %d ended session",
		b.tally.before, b.tally.after, b.tally.slow, b.tally.ended)
	line("dead letters", "1 expected, %d found; Telegram got:", len(b.letters))
	for _, text := range b.alerts {
		fmt.Fprintln(w)
		for text := range strings.Lines(text) {
			fmt.Fprintf(w, "    | %s\n", strings.TrimSuffix(text, "\n"))
		}
	}
	fmt.Fprintln(w)
	b.printVerdict(w)
}

func (b *scoreboard) printVerdict(w io.Writer) {
	if b.right() {
		fmt.Fprintf(w, "RIGHT: nothing is lost, doubled or stale; one dead letter, and it was alerted. It took %s.\n",
			spoken(b.took))
		return
	}
	fmt.Fprintln(w, "WRONG:")
	for n, fault := range b.faults {
		if n == faultsShown {
			fmt.Fprintf(w, "  and %d more\n", len(b.faults)-n)
			break
		}
		fmt.Fprintf(w, "  %s\n", fault)
	}
}

func (b *scoreboard) perEvent(calls int) float64 {
	return float64(calls) / float64(max(1, b.byPeople))
}

// spoken formats a duration as people say it.
func spoken(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.2g s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
