// Package quote encodes texts as strings of JSON.
package quote

import "encoding/json"

// AppendJSON appends what json.Marshal returns for a text. Most texts are plain, and cost a fraction of that.
func AppendJSON(b []byte, text string) []byte {
	for i := range len(text) {
		if !isPlain[text[i]] {
			quoted, _ := json.Marshal(text) // a string can always be encoded
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// isPlain reports for each byte whether encoding/json leaves it as it is.
var isPlain = func() (is [256]bool) {
	for c := ' '; c <= '~'; c++ {
		is[c] = true
	}
	for _, c := range `"\<>&` {
		is[c] = false
	}
	return is
}()
