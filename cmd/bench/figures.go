package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"time"
)

// record is the figures of a run, in the form of the file for later comparisons.
type record struct {
	Measured time.Time `json:"measured"`
	Machine  string    `json:"machine"`
	Figures  []figure  `json:"figures"`
}

// figure is a measured number and the direction of its improvement.
type figure struct {
	Name   string  `json:"figure"`
	Value  float64 `json:"value"`
	Better string  `json:"better"` // higher or lower
	Wanted float64 `json:"wanted"`
}

// Which values of a figure are better.
const (
	higher = "higher"
	lower  = "lower"
)

// loss returns the share by which a figure is worse than before; negative if it is better.
func (f figure) loss(before float64) float64 {
	switch {
	case f.Value == before:
		return 0
	case f.Better == higher:
		return 1 - f.Value/before
	case before == 0:
		return math.Inf(1)
	}
	return f.Value/before - 1
}

// keep writes the run's figures to a file.
func (r record) keep(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// readRecord reads the figures of an earlier run. A missing file has no figures, as for the first run.
func readRecord(path string) (r record, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("reading the figures to compare with: %w", err)
	}
	return r, nil
}

// compare prints how the run's figures differ from those of an earlier run. Its error names those that lost more than
// the allowed share.
func (b *bench) compare(now, before record, allowed float64) (lost error) {
	earlier := map[string]float64{}
	for _, f := range before.Figures {
		earlier[f.Name] = f.Value
	}
	rows := [][]string{{"figure", "before", "now", "change", ""}}
	for _, f := range now.Figures {
		was, known := earlier[f.Name]
		if !known {
			rows = append(rows, []string{f.Name, "-", fmt.Sprintf("%.2f", f.Value), "", "new"})
			continue
		}
		delete(earlier, f.Name)
		change, verdict := "", ""
		if was != 0 {
			change = fmt.Sprintf("%+.0f %%", 100*(f.Value/was-1))
		}
		if f.loss(was) > allowed {
			verdict = "WORSE"
			lost = errors.Join(lost, fmt.Errorf("%s: %.2f, was %.2f", f.Name, f.Value, was))
		}
		rows = append(rows, []string{f.Name, fmt.Sprintf("%.2f", was), fmt.Sprintf("%.2f", f.Value), change, verdict})
	}
	for _, f := range before.Figures {
		if was, gone := earlier[f.Name]; gone {
			rows = append(rows, []string{f.Name, fmt.Sprintf("%.2f", was), "-", "", "not measured"})
		}
	}
	b.table(fmt.Sprintf("Since %s (worse: by more than %.0f %%)", before.Measured.Format("2006-01-02 15:04 UTC"),
		100*allowed), rows)
	return lost
}
