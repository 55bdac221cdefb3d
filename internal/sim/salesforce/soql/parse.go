package soql

import (
	"strconv"
	"strings"
	"time"
)

// Query is a parsed SOQL statement.
type Query struct {
	text   string
	count  bool // SELECT COUNT()
	fields []token
	from   token
	where  *node // nil: all
	order  []sortKey
	limit  int // -1: none
	offset int
}

// node is a condition: a combination of others, or a comparison of a field with values.
type node struct {
	op     string // AND, OR, NOT, =, !=, <, <=, >, >=, IN, NOT IN, LIKE
	kids   []*node
	field  token
	values []literal
}

// literal is a value in a query: nil, string, float64, bool, or a date or datetime as text.
type literal struct {
	kind  Kind // 0: null
	value any
	token token
}

type sortKey struct {
	field     token
	desc      bool
	nullsLast bool
}

type parser struct {
	text   string
	tokens []token
	at     int
}

// Parse parses a SOQL statement.
//
// https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select.htm
func Parse(text string) (Query, *Error) {
	tokens, f := lex(text)
	if f != nil {
		return Query{}, f
	}
	p := &parser{text: text, tokens: tokens}
	q := Query{text: text, limit: -1}
	for _, clause := range []func(*Query) *Error{p.selects, p.from, p.whereClause, p.orderBy, p.limits} {
		if f := clause(&q); f != nil {
			return Query{}, f
		}
	}
	if p.peek().kind != tokEnd {
		return Query{}, p.unexpected()
	}
	return q, nil
}

func (p *parser) selects(q *Query) *Error {
	if !p.keyword("SELECT") {
		return p.unexpected()
	}
	if strings.EqualFold(p.peek().text, "COUNT") && p.tokens[p.at+1].text == "(" {
		p.at++
		q.count = true
		if !p.symbol("(") || !p.symbol(")") {
			return p.unexpected()
		}
		return nil
	}
	for {
		t, f := p.word()
		if f != nil {
			return f
		}
		q.fields = append(q.fields, t)
		if !p.symbol(",") {
			return nil
		}
	}
}

func (p *parser) from(q *Query) (f *Error) {
	if !p.keyword("FROM") {
		return p.unexpected()
	}
	q.from, f = p.word()
	return f
}

func (p *parser) whereClause(q *Query) (f *Error) {
	if p.keyword("WHERE") {
		q.where, f = p.condition()
	}
	return f
}

func (p *parser) orderBy(q *Query) *Error {
	if !p.keyword("ORDER") {
		return nil
	}
	if !p.keyword("BY") {
		return p.unexpected()
	}
	for {
		t, f := p.word()
		if f != nil {
			return f
		}
		k := sortKey{field: t}
		if k.desc = p.keyword("DESC"); !k.desc {
			p.keyword("ASC")
		}
		if p.keyword("NULLS") {
			if k.nullsLast = p.keyword("LAST"); !k.nullsLast && !p.keyword("FIRST") {
				return p.unexpected()
			}
		}
		q.order = append(q.order, k)
		if !p.symbol(",") {
			return nil
		}
	}
}

func (p *parser) limits(q *Query) (f *Error) {
	if p.keyword("LIMIT") {
		if q.limit, f = p.count(); f != nil {
			return f
		}
	}
	if p.keyword("OFFSET") {
		if q.offset, f = p.count(); f != nil {
			return f
		}
		if q.offset > 2000 {
			return fail("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
		}
	}
	return nil
}

// condition parses terms joined by AND or by OR; mixing them requires parentheses.
func (p *parser) condition() (*node, *Error) {
	first, f := p.term()
	if f != nil {
		return nil, f
	}
	n := first
	for {
		op := strings.ToUpper(p.peek().text)
		if p.peek().kind != tokWord || op != "AND" && op != "OR" {
			return n, nil
		}
		if n == first {
			n = &node{op: op, kids: []*node{first}}
		} else if n.op != op {
			return nil, p.unexpected()
		}
		p.at++
		kid, f := p.term()
		if f != nil {
			return nil, f
		}
		n.kids = append(n.kids, kid)
	}
}

func (p *parser) term() (*node, *Error) {
	switch {
	case p.keyword("NOT"):
		kid, f := p.term()
		return &node{op: "NOT", kids: []*node{kid}}, f
	case p.symbol("("):
		n, f := p.condition()
		if f == nil && !p.symbol(")") {
			f = p.unexpected()
		}
		return n, f
	}
	return p.comparison()
}

func (p *parser) comparison() (*node, *Error) {
	field, f := p.word()
	if f != nil {
		return nil, f
	}
	n := &node{field: field}
	switch {
	case p.keyword("IN"):
		n.op = "IN"
	case p.keyword("LIKE"):
		n.op = "LIKE"
	case p.keyword("NOT"):
		if n.op = "NOT IN"; !p.keyword("IN") {
			return nil, p.unexpected()
		}
	case p.peek().kind == tokSymbol && strings.Contains("= != < <= > >= <>", p.peek().text):
		if n.op = p.next().text; n.op == "<>" {
			n.op = "!="
		}
	default:
		return nil, p.unexpected()
	}
	n.values, f = p.operand(n.op)
	return n, f
}

// operand parses one value, or a list of them in parentheses.
func (p *parser) operand(op string) ([]literal, *Error) {
	if op != "IN" && op != "NOT IN" {
		v, f := p.value(op == "LIKE")
		return []literal{v}, f
	}
	if !p.symbol("(") {
		return nil, p.unexpected()
	}
	var list []literal
	for {
		v, f := p.value(false)
		if f != nil {
			return nil, f
		}
		list = append(list, v)
		if p.symbol(")") {
			return list, nil
		}
		if !p.symbol(",") {
			return nil, p.unexpected()
		}
	}
}

func (p *parser) value(pattern bool) (literal, *Error) {
	t := p.next()
	switch t.kind {
	case tokString:
		if s, ok := unescape(t.text, pattern); ok {
			return literal{Text, s, t}, nil
		}
		return literal{}, fail("MALFORMED_QUERY", "%sInvalid string literal '%s'. Illegal character sequence in string "+
			"literal.", errorAt(p.text, t.pos), t.text)
	case tokLiteral:
		if n, err := strconv.ParseFloat(t.text, 64); err == nil {
			return literal{Number, n, t}, nil
		}
		if _, err := time.Parse(time.DateOnly, t.text); err == nil {
			return literal{Date, t.text, t}, nil
		}
		if stamp, ok := ParseDateTime(t.text); ok {
			return literal{DateTime, stamp, t}, nil
		}
	case tokWord:
		switch strings.ToLower(t.text) {
		case "null":
			return literal{token: t}, nil
		case "true", "false":
			return literal{Boolean, strings.EqualFold(t.text, "true"), t}, nil
		}
	}
	p.at--
	return literal{}, p.unexpected()
}

func (p *parser) count() (int, *Error) {
	n, err := strconv.Atoi(p.peek().text)
	if err != nil || n < 0 {
		return 0, p.unexpected()
	}
	p.at++
	return n, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tokEnd {
		p.at++
	}
	return t
}

func (p *parser) word() (token, *Error) {
	t := p.peek()
	if t.kind != tokWord || isKeyword(t.text) {
		return t, p.unexpected()
	}
	p.at++
	return t, nil
}

func (p *parser) keyword(k string) bool {
	if t := p.peek(); t.kind != tokWord || !strings.EqualFold(t.text, k) {
		return false
	}
	p.at++
	return true
}

func (p *parser) symbol(s string) bool {
	if t := p.peek(); t.kind != tokSymbol || t.text != s {
		return false
	}
	p.at++
	return true
}

func (p *parser) unexpected() *Error { return unexpected(p.text, p.peek().pos, p.peek().text) }

func isKeyword(s string) bool {
	switch strings.ToUpper(s) {
	case "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "LIKE", "ORDER", "BY", "LIMIT", "OFFSET", "NULLS":
		return true
	}
	return false
}
