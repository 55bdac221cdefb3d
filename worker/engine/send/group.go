package send

import (
	"fmt"
	"strings"

	"crmsync/sfclient"
)

// kind is what all attempts of one call have in common.
type kind struct {
	op          Op
	object, key string
	options     sfclient.WriteOptions
	lot         int
}

func kindOf(x *search) kind {
	k := kind{x.attempt.Op, x.attempt.Object, x.attempt.Key, x.attempt.Options, x.lot}
	if k.op != Upsert {
		k.key = ""
	}
	return k
}

// group groups the attempts of searches into calls of up to size rows, in order and each record once: a search whose
// record is written by an earlier one waits until that one has ended.
func group(searches []*search, size int) (calls [][]*search) {
	open := map[kind]int{} // the incomplete call
	seen := map[string]bool{}
	for _, x := range searches {
		if id := identity(x.write); id != "" {
			if seen[id] {
				continue
			}
			seen[id] = true
		}
		k := kindOf(x)
		n, ok := open[k]
		if !ok || len(calls[n]) == size {
			n = len(calls)
			open[k], calls = n, append(calls, nil)
		}
		calls[n] = append(calls[n], x)
	}
	return calls
}

// identity identifies the record that is written; empty if no other write can have the same record.
func identity(w Write) string {
	switch w.Op {
	case Upsert:
		return fmt.Sprintf("%s %s %q", w.Object, w.Key, w.KeyValue)
	case Create:
		if len(w.Needed) == 0 {
			return ""
		}
		id := w.Object
		for _, field := range w.Needed {
			id += fmt.Sprintf(" %s %q", field, strings.ToLower(fmt.Sprint(w.Fields[field])))
		}
		return id
	}
	if id, ok := sfclient.ID18(w.ID); ok {
		return id
	}
	return w.ID
}

// partsOf splits the rows of a call that was rejected as a whole; a single part cannot be split further. A missing
// field affects all rows that hold it; any other fault is found by bisection.
func partsOf(rows []*search, code string) [][]*search {
	switch code {
	case "INVALID_TYPE", "NOT_FOUND":
		return [][]*search{rows} // the object or the key is at fault
	case "INVALID_FIELD":
		var sets []string
		bySet := map[string][]*search{}
		for _, x := range rows {
			set := strings.Join(names(x.attempt.Fields), " ")
			if bySet[set] == nil {
				sets = append(sets, set)
			}
			bySet[set] = append(bySet[set], x)
		}
		parts := make([][]*search, len(sets))
		for n, set := range sets {
			parts[n] = bySet[set]
		}
		return parts
	}
	return halves(rows)
}
