package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	// maxSize is the maximum file size in bytes: more than a thousand records. The YAML parser's time is quadratic in
	// a mapping's keys.
	maxSize = 256 << 10

	// maxDepth is the maximum nesting of brackets, and of dashes on one line. The YAML parser recurses; a mapping
	// needs nine.
	maxDepth = 32
)

// Parse parses a mapping file. The name is only for messages. The error is Faults: all faults in the file, or only
// the first syntax error if it is not YAML.
//
// YAML's anchors, aliases, merge keys, tags and further documents are rejected: with them a small file can expand to
// a large one, and readers of a mapping would have to know them.
func Parse(name string, src []byte) (*Mapping, error) {
	d := &decoder{file: name}
	m := &Mapping{Key: DefaultKey, Brake: DefaultBrake, AdoptShown: true, byID: map[int64]*Board{}}
	m.Reconcile, m.reconcile = DefaultReconcile, defaultReconcile
	if root := d.read(src); root != nil {
		d.mapping(m, root)
		d.resolve()
		d.finish(m)
	}
	if len(d.faults) > 0 {
		return nil, d.faults.sorted()
	}
	return m, nil
}

// read returns the root of the syntax tree, or nil after reporting a fault.
func (d *decoder) read(src []byte) ast.Node {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if !d.readable(src) {
		return nil
	}
	file, err := parse(src, d.plain)
	if err != nil {
		d.syntax(err)
		return nil
	}
	if len(d.faults) > 0 {
		return nil
	}
	var root ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case root != nil:
			d.fault(placeOf(doc.Body), "a mapping file contains only one YAML document; this is another one")
		default:
			root = doc.Body
		}
	}
	if root == nil {
		d.fault(place{1, 1}, "the file is empty")
	}
	return root
}

// readable checks what the lexer assumes.
func (d *decoder) readable(src []byte) bool {
	if len(src) > maxSize {
		d.fault(place{1, 1}, "the file has %d bytes; the maximum is %d", len(src), maxSize)
		return false
	}
	at := place{1, 1}
	d.widths = []int{0}
	for len(src) > 0 {
		r, size := utf8.DecodeRune(src)
		if r == 0 || r == utf8.RuneError && size == 1 {
			d.fault(at, "the file is not UTF-8 text")
			return false
		}
		if r == '\n' {
			at = place{at.line + 1, 1}
			d.widths = append(d.widths, 0)
		} else {
			d.widths[at.line-1] = at.column
			at.column++
		}
		src = src[size:]
	}
	return true
}

// parse creates the syntax tree of the file, unless its tokens are rejected. The library is known to panic on some
// broken documents; that is reported as a fault of the document.
func parse(src []byte, accept func(token.Tokens) bool) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errors.New("this is not YAML")
		}
	}()
	tokens := lexer.Tokenize(string(src))
	if !accept(tokens) {
		return nil, nil
	}
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// plain reports whether the tokens contain nothing that a mapping file does not use, with limited nesting.
func (d *decoder) plain(tokens token.Tokens) bool {
	brackets, dashes, line := 0, 0, 0
	for _, t := range tokens {
		at := place{t.Position.Line, t.Position.Column}
		if at.line != line {
			dashes, line = 0, at.line
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType, token.DirectiveType, token.MappingKeyType:
			d.fault(at, "YAML's %s is not allowed in a mapping file; write it out", t.Type)
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets--
		case token.SequenceEntryType:
			dashes++
		}
		if brackets+dashes > maxDepth {
			d.fault(at, "nested deeper than %d", maxDepth)
			return false
		}
	}
	return len(d.faults) == 0
}

// syntax reports the library's error without the excerpt that it prints.
func (d *decoder) syntax(err error) {
	e, ok := errors.AsType[yaml.Error](err)
	if !ok {
		d.fault(place{1, 1}, "%v", err)
		return
	}
	at := place{1, 1}
	if t := e.GetToken(); t != nil && t.Position != nil {
		at = place{t.Position.Line, t.Position.Column}
	}
	d.fault(at, "%s", e.GetMessage())
}

// fault records a fault at a place. The library's places are sometimes beyond the end of a line or of the file.
func (d *decoder) fault(at place, format string, args ...any) {
	if len(d.widths) > 0 {
		at.line = min(max(at.line, 1), len(d.widths))
		at.column = min(max(at.column, 1), d.widths[at.line-1]+1)
	}
	d.faults = append(d.faults, Fault{File: d.file, Line: at.line, Column: at.column,
		Message: fmt.Sprintf(format, args...)})
}
