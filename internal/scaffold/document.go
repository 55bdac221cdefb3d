package scaffold

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"crmsync/internal/audit"
	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// document is a mapping under construction: one record of one board a draft.
type document struct {
	key    string
	known  *mapping.Mapping // of the file that is added to; nil: there is none
	drafts []*draft

	// The text of the file before and after the place for boards, and the additional indentation of that place.
	before, after, indent string
}

// Add writes boards and objects into a mapping file, beside what it has. The file's other text stays as it is.
func Add(file string, src []byte, pairs ...Pair) (string, error) {
	known, err := mapping.Parse(file, src)
	if err != nil {
		return "", err
	}
	d := &document{key: known.Key, known: known}
	if err := d.split(string(src)); err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	for _, p := range pairs {
		if b := known.Board(p.Board.ID); b != nil {
			return "", fmt.Errorf("%s:%d: board %d is mapped already; add the record of %s to it by hand, from what "+
				"scaffold prints without a file",
				file, b.At("board").Line, b.ID, p.Object.Name)
		}
	}
	return d.write(pairs)
}

// split finds the place for further boards: the end of the block `boards`.
func (d *document) split(src string) error {
	lines := strings.SplitAfter(src, "\n")
	start := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "boards:") })
	if start < 0 {
		return errors.New("the boards are not a block that begins with `boards:`")
	}
	end := start + 1
	for n := end; n < len(lines); n++ {
		text := strings.TrimLeft(lines[n], " ")
		isIndented := text != lines[n]
		switch {
		case strings.TrimSpace(text) == "", text[0] == '#' && !isIndented: // belongs to what follows
			continue
		case !isIndented:
			n = len(lines)
			continue
		case d.indent == "" && text[0] != '#':
			d.indent = lines[n][:len(lines[n])-len(text)]
		}
		end = n + 1
	}
	if len(d.indent) < 2 {
		return errors.New("the boards must be indented by two spaces or more")
	}
	d.before, d.after, d.indent = strings.Join(lines[:end], ""), strings.Join(lines[end:], ""), d.indent[2:]
	if !strings.HasSuffix(d.before, "\n") {
		d.before += "\n"
	}
	d.before += "\n"
	return nil
}

func (d *document) write(pairs []Pair) (string, error) {
	if err := d.begin(pairs); err != nil {
		return "", err
	}
	for _, one := range d.drafts {
		one.pair()
		one.nameFields()
		one.need()
	}
	if err := d.sure(); err != nil {
		return "", err
	}
	if err := d.verify(); err != nil {
		return "", err
	}
	return d.text(), d.sure()
}

// begin makes a draft of each pair. Drafts of one board stand together.
func (d *document) begin(pairs []Pair) error {
	names, used := map[int64]string{}, map[string]bool{}
	if d.known != nil {
		for _, b := range d.known.Boards {
			used[b.Name] = true
		}
	}
	for _, p := range pairs {
		twice := func(one *draft) bool { return one.board.ID == p.Board.ID && one.object.Name == p.Object.Name }
		if slices.ContainsFunc(d.drafts, twice) {
			return fmt.Errorf("board %d and %s are named twice", p.Board.ID, p.Object.Name)
		}
		if names[p.Board.ID] == "" {
			names[p.Board.ID] = unused(boardName(p.Board.Name), used)
		}
		next := &draft{document: d, board: p.Board, object: p.Object, name: names[p.Board.ID]}
		last := len(d.drafts)
		for n, one := range d.drafts {
			if one.board.ID == p.Board.ID {
				last = n + 1
			}
		}
		d.drafts = slices.Insert(d.drafts, last, next)
	}
	return nil
}

// unused returns a name that is not used yet, and marks it.
func unused(name string, used map[string]bool) string {
	free := name
	for n := 2; used[free]; n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	used[free] = true
	return free
}

// sure reports a draft without a certain field: a record has at least one.
func (d *document) sure() error {
	for _, one := range d.drafts {
		if !one.sure() {
			return fmt.Errorf("board %d and %s: %w", one.board.ID, one.object.Name, ErrNothingFits)
		}
	}
	return nil
}

// link returns the record that items of a connected column stand for, as board.record, if exactly one fits the field.
func (d *document) link(c mondayclient.BoardColumn, f sfclient.Field) string {
	var found []string
	fits := func(board int64, object, name string) {
		if slices.Contains(c.Boards, board) && slices.Contains(f.ReferenceTo, object) {
			found = append(found, name)
		}
	}
	for _, one := range d.drafts {
		fits(one.board.ID, one.object.Name, one.name+"."+one.recordName())
	}
	if d.known != nil {
		for _, b := range d.known.Boards {
			for _, r := range b.Records {
				fits(b.ID, r.Object, b.Name+"."+r.Name)
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// verify checks the drafts against both systems, and comments out what they would reject.
func (d *document) verify() error {
	live := audit.Live{Boards: map[int64]mondayclient.Board{}, Objects: map[string]*sfclient.Object{}}
	for _, one := range d.drafts {
		live.Boards[one.board.ID], live.Objects[one.object.Name] = one.board, one.object
	}
	m, err := mapping.Parse("scaffold", []byte(d.text()))
	if err != nil {
		return fmt.Errorf("parsing the draft: %w", err)
	}
	for _, found := range audit.Check(m, live) {
		if found.Severity == audit.Error {
			d.doubt(m, found)
		}
	}
	return nil
}

// doubt comments out the field that a finding is about, if it is about one of the drafts' fields.
func (d *document) doubt(m *mapping.Mapping, found audit.Finding) {
	var in *draft
	var field string
	for _, one := range d.drafts {
		r := m.Board(one.board.ID).Named(one.recordName())
		if r.At("object").Line > found.Line {
			break
		}
		in, field = one, ""
		for _, f := range r.Fields {
			if f.Line <= found.Line {
				field = f.Name
			}
		}
	}
	if in == nil {
		return
	}
	for n := range in.lines {
		if l := &in.lines[n]; l.field.Name == field {
			l.doubt = found.Message
		}
	}
}

// text returns the document as YAML.
func (d *document) text() string {
	w := &strings.Builder{}
	board := int64(0)
	for _, one := range d.drafts {
		if one.board.ID != board {
			if board != 0 {
				fmt.Fprintln(w)
			}
			board = one.board.ID
			fmt.Fprintf(w, "  %s:%s\n    board: %d\n    records:\n", quote(one.name), comment(one.board.Name), board)
		}
		fmt.Fprint(w, one.text())
	}
	if d.known == nil {
		return d.head() + w.String()
	}
	boards := &strings.Builder{}
	for line := range strings.Lines(w.String()) {
		if line != "\n" {
			boards.WriteString(d.indent)
		}
		boards.WriteString(line)
	}
	return d.before + boards.String() + d.after
}

// head returns what stands before the boards of a new mapping.
func (d *document) head() string {
	var pairs []string
	for _, one := range d.drafts {
		pairs = append(pairs, fmt.Sprintf("board %d to %s", one.board.ID, one.object.Name))
	}
	return "# yaml-language-server: $schema=mapping.schema.json\n#\n" +
		"# A first mapping: " + strings.Join(pairs, ", ") + ".\n" +
		"# Read it, remove the # from correct lines, and run `crmsync check --live`. The text after a # is a column's\n" +
		"# title, a list of picklist values, or why a line is commented out.\n\n" +
		"version: 1\n\ndefaults:\n  key: " + d.key + d.keyComment() + "\n\nboards:\n"
}

// keyComment returns the requirements of the key field, with the objects that lack it.
func (d *document) keyComment() string {
	var lacking []string
	for _, one := range d.drafts {
		has := slices.ContainsFunc(one.object.Fields, func(f sfclient.Field) bool {
			return strings.EqualFold(f.Name, d.key)
		})
		if !has && !slices.Contains(lacking, one.object.Name) {
			lacking = append(lacking, one.object.Name)
		}
	}
	if lacking == nil {
		return ""
	}
	return comment("create this field on " + strings.Join(lacking, ", ") +
		": text of 18 characters or more, External ID, Unique")
}
