package soql

import (
	"fmt"
	"strings"
)

type tokenKind int

const (
	tokEnd     tokenKind = iota
	tokWord              // name, keyword or dotted path
	tokString            // text between quotes, escapes as written
	tokLiteral           // number, date or datetime
	tokSymbol
)

type token struct {
	kind tokenKind
	text string
	pos  int // byte offset in the query
}

// lex splits a query into tokens, the last of which is tokEnd.
func lex(q string) ([]token, *Error) {
	var tokens []token
	for i := 0; i < len(q); {
		start := i
		kind := tokSymbol
		switch c := q[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case c == '\'':
			end, ok := stringEnd(q, i)
			if !ok {
				return nil, unexpected(q, i, "'")
			}
			tokens = append(tokens, token{tokString, q[i+1 : end], start})
			i = end + 1
			continue
		case '0' <= c && c <= '9' || (c == '-' || c == '+' || c == '.') && i+1 < len(q) && '0' <= q[i+1] && q[i+1] <= '9':
			kind = tokLiteral
			i += 1 + strings.IndexFunc(q[i+1:]+" ", func(r rune) bool { return strings.ContainsRune(" \t\r\n,)(<>=!'", r) })
		case wordByte(c) && c != '.':
			kind = tokWord
			for i < len(q) && wordByte(q[i]) {
				i++
			}
		case strings.HasPrefix(q[i:], "!=") || strings.HasPrefix(q[i:], "<=") || strings.HasPrefix(q[i:], ">=") ||
			strings.HasPrefix(q[i:], "<>"):
			i += 2
		case strings.IndexByte("=<>(),", c) >= 0:
			i++
		default:
			return nil, unexpected(q, i, string(c))
		}
		tokens = append(tokens, token{kind, q[start:i], start})
	}
	return append(tokens, token{tokEnd, "<EOF>", len(q)}), nil
}

// stringEnd finds the quote that ends the string beginning at i.
func stringEnd(q string, i int) (int, bool) {
	for i++; i < len(q); i++ {
		switch q[i] {
		case '\\':
			i++
		case '\'':
			return i, true
		}
	}
	return 0, false
}

// unescape resolves the escapes of a string; in a LIKE pattern it leaves \_ and \% as they are.
//
// https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
func unescape(s string, pattern bool) (string, bool) {
	if !strings.Contains(s, `\`) {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n', 'N':
			b.WriteByte('\n')
		case 'r', 'R':
			b.WriteByte('\r')
		case 't', 'T':
			b.WriteByte('\t')
		case 'b', 'B':
			b.WriteByte('\b')
		case 'f', 'F':
			b.WriteByte('\f')
		case '"', '\'':
			b.WriteByte(c)
		case '\\', '_', '%':
			if pattern {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		case 'u':
			var r rune
			if _, err := fmt.Sscanf(s[i+1:min(i+5, len(s))], "%04x", &r); err != nil {
				return "", false
			}
			b.WriteRune(r)
			i += 4
		default:
			return "", false
		}
	}
	return b.String(), true
}

// wordByte reports whether c may occur in a name, a keyword or a dotted path.
func wordByte(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '_' || c == '.'
}
