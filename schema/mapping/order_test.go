package mapping

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestStages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		boards []string // records of each board
		want   string
		stages int
	}{
		"apart": {[]string{"x: { object: A, fields: { F: a } }, y: { object: B, fields: { F: a } }"}, "x0 y0", 1},
		"sorted, else in the file's order": {[]string{
			"w: { object: W, fields: { F: a } }, x: { object: A, fields: { F: { record: z } } }, y: { object: B, fields: { F: a } }, z: { object: C, fields: { F: { record: y } } }"},
			"w0 y0 z1 x2", 3},
		"link to a board before": {[]string{
			"x: { object: A, fields: { F: a } }", "y: { object: B, fields: { F: { from: c, link: b0.x } } }"}, "x0 y1", 2},
		"link to a board behind": {[]string{
			"y: { object: B, fields: { F: { from: c, link: b1.x } } }", "x: { object: A, fields: { F: a } }"}, "y1 x0", 2},
		"link to itself": {[]string{"x: { object: A, fields: { F: { from: c, link: b0.x } } }"}, "x0", 1},
		"two links in a circle: the later waits": {[]string{
			"x: { object: A, fields: { F: { from: c, link: b1.y } } }", "y: { object: B, fields: { F: { from: c, link: b0.x } } }"}, "x0 y1", 2},
		"three links in a circle": {[]string{
			"x: { object: A, fields: { F: { from: c, link: b1.y } } }", "y: { object: B, fields: { F: { from: c, link: b2.z } } }",
			"z: { object: C, fields: { F: { from: c, link: b0.x } } }"}, "x1 y0 z2", 3},
		"a circle of record and link: the record counts": {[]string{
			"x: { object: A, fields: { F: { record: y } } }, y: { object: B, fields: { F: { from: c, link: b0.x } } }"}, "y0 x1", 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := "version: 1\nboards:\n"
			for i, records := range tt.boards {
				src += fmt.Sprintf("  b%d: { board: %d, records: { %s } }\n", i, i+1, records)
			}
			m := mustParse(t, src)
			got := ""
			for _, b := range m.Boards {
				for _, r := range b.Records {
					got += fmt.Sprintf(" %s%d", r.Name, r.Stage)
				}
			}
			if got[1:] != tt.want || m.Stages() != tt.stages {
				t.Errorf("order = %s with %d stages, want %s with %d", got[1:], m.Stages(), tt.want, tt.stages)
			}
		})
	}
}

// TestStagesOfAnyLinks generates boards of one record each with arbitrary links. A record always waits for those
// before it in the file, and for those after it that do not lead back to it.
func TestStagesOfAnyLinks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "boards")
		links := rapid.SliceOfN(rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, n, rapid.ID[int]), n, n).Draw(t, "links")
		src := "version: 1\nboards:\n"
		for i, targets := range links {
			src += fmt.Sprintf("  b%d: { board: %d, records: { r: { object: A, fields: { F: a", i, i+1)
			for _, j := range targets {
				src += fmt.Sprintf(", L%d: { from: c, link: b%d.r }", j, j)
			}
			src += " } } } }\n"
		}
		m, err := Parse("m", []byte(src))
		if err != nil {
			t.Fatalf("Parse: %v\n%s", err, src)
		}
		for i, targets := range links {
			for _, j := range targets {
				circular := leads(links, j, i, map[int]bool{})
				if (j < i || !circular) && i != j && m.Boards[i].Records[0].Stage <= m.Boards[j].Records[0].Stage {
					t.Errorf("b%d does not wait for b%d\n%s", i, j, src)
				}
			}
		}
		if m.Stages() > n {
			t.Errorf("%d stages of %d records", m.Stages(), n)
		}
	})
}

func leads(links [][]int, from, to int, seen map[int]bool) bool {
	if from == to {
		return true
	}
	seen[from] = true
	for _, next := range links[from] {
		if !seen[next] && leads(links, next, to, seen) {
			return true
		}
	}
	return false
}

// TestBoardStages: boards are compared in the order of their links.
func TestBoardStages(t *testing.T) {
	t.Parallel()
	const apart, link = "r: { object: A, fields: { F: a } }", "r: { object: A, fields: { F: { from: c, link: %s.r } } }"
	tests := map[string]struct {
		boards []string // records of each board
		want   string   // names in order, each with its stage, and ! for a circle
	}{
		"apart":                  {[]string{apart, apart}, "b0:0 b1:0"},
		"link to a board before": {[]string{apart, fmt.Sprintf(link, "b0")}, "b0:0 b1:1"},
		"link to a board behind": {[]string{fmt.Sprintf(link, "b1"), apart}, "b1:0 b0:1"},
		"through others":         {[]string{fmt.Sprintf(link, "b1"), fmt.Sprintf(link, "b2"), apart, apart}, "b2:0 b3:0 b1:1 b0:2"},
		"to itself":              {[]string{fmt.Sprintf(link, "b0"), apart}, "b0:0! b1:0"},
		"in a circle":            {[]string{fmt.Sprintf(link, "b1"), fmt.Sprintf(link, "b0")}, "b0:0! b1:1"},
		"in a circle of boards, not of records": {[]string{
			"q: { object: Q, fields: { F: { from: c, link: b1.r } } }, r: { object: A, fields: { F: a } }", fmt.Sprintf(link, "b0")}, "b0:0! b1:1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := "version: 1\nboards:\n"
			for i, records := range tt.boards {
				src += fmt.Sprintf("  b%d: { board: %d, records: { %s } }\n", i, i+1, records)
			}
			var got []string
			for _, b := range Ordered(mustParse(t, src).Boards) {
				text := fmt.Sprintf("%s:%d", b.Name, b.Stage)
				if b.IsCircular() {
					text += "!"
				}
				got = append(got, text)
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("order = %s, want %s", text, tt.want)
			}
		})
	}
}
