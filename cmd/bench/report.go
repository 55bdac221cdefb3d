package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// check is a figure with its target.
type check struct {
	figure           figure
	measured, wanted string
	ok               bool
}

// atLeast adds a check of a figure that should be high.
func (b *bench) atLeast(name string, measured, wanted float64) {
	f := figure{name, measured, higher, wanted}
	b.checks = append(b.checks, check{f, fmt.Sprintf("%.2f", measured), fmt.Sprintf("at least %g", wanted),
		measured >= wanted})
}

// atMost adds a check of a figure that should be low.
func (b *bench) atMost(name, format string, measured, wanted float64) {
	f := figure{name, measured, lower, wanted}
	b.checks = append(b.checks, check{f, fmt.Sprintf(format, measured), "at most " + fmt.Sprintf(format, wanted),
		measured <= wanted})
}

// verdict prints the targets, and whether they were reached.
func (b *bench) verdict() {
	rows := [][]string{{"figure", "measured", "wanted", "reached"}}
	for _, c := range b.checks {
		reached := "yes"
		if !c.ok {
			reached = "NO"
		}
		rows = append(rows, []string{c.figure.Name, c.measured, c.wanted, reached})
	}
	b.table("What is wanted", rows)
}

// table prints rows under a title: aligned, or as Markdown if wanted.
func (b *bench) table(title string, rows [][]string) {
	fmt.Fprintf(b.out, "\n%s\n", title)
	if b.markdown {
		fmt.Fprintln(b.out)
		for n, row := range rows {
			fmt.Fprintf(b.out, "| %s |\n", strings.Join(row, " | "))
			if n == 0 {
				fmt.Fprintln(b.out, strings.Repeat("| --- ", len(row))+"|")
			}
		}
		return
	}
	w := tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	w.Flush()
}

// machine describes the machine on which everything was measured.
func (s *testbed) machine(ctx context.Context) string {
	version := "?"
	_ = s.DB.QueryRow(ctx, "SHOW server_version").Scan(&version) // a word in a title
	processor := "?"
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			processor = strings.TrimLeft(strings.TrimSpace(name), ": \t")
			break
		}
	}
	return fmt.Sprintf("%d cores (%s), load before: %s, %s, PostgreSQL %s with fsync and its own defaults",
		runtime.NumCPU(), processor, load(), runtime.Version(), strings.Fields(version)[0])
}

// load returns the machine's load over 1, 5 and 15 minutes.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

// middle returns the median of a figure over rounds.
func middle[T any](rounds []T, figure func(T) float64) float64 {
	values := make([]float64, len(rounds))
	for n, round := range rounds {
		values[n] = figure(round)
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// most returns the maximum of a figure over rounds.
func most[T any](rounds []T, figure func(T) float64) (largest float64) {
	for _, round := range rounds {
		largest = max(largest, figure(round))
	}
	return largest
}

// ratios returns a figure of ours, times theirs in the same round.
func ratios[T any](ours, theirs []T, figure func(T) float64) []float64 {
	all := make([]float64, len(ours))
	for n := range ours {
		all[n] = figure(ours[n]) / figure(theirs[n])
	}
	return all
}

// ratio returns the median of ratios.
func ratio[T any](ours, theirs []T, figure func(T) float64) float64 {
	return middle(ratios(ours, theirs, figure), func(r float64) float64 { return r })
}

// excess returns the median difference between a figure of ours and theirs in the same round.
func excess[T any](ours, theirs []T, figure func(T) float64) float64 {
	all := make([]float64, len(ours))
	for n := range ours {
		all[n] = figure(ours[n]) - figure(theirs[n])
	}
	return middle(all, func(d float64) float64 { return d })
}

// quantile returns the value that a share of the sorted durations does not exceed, in milliseconds.
func quantile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]) / 1e6
}

func millis(ms float64) string { return fmt.Sprintf("%.1f ms", ms) }

func micros(us float64) string { return fmt.Sprintf("%.0f µs", us) }

// thousands formats a number with commas between its thousands.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
