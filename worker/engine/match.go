package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// querySize bounds the conditions of one query: a request line is limited to 16,384 bytes.
//
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
const querySize = 8_000

// candidate is a record with the match values that were looked for.
type candidate struct {
	id    string
	key   string // the item id that it carries; empty: none, or not asked for
	owner int64  // where it carries none: the item that it belongs to all the same, unborn for one that is being made; 0: none
}

// unborn stands for an item that is being made and of which nobody has heard yet.
const unborn = -1

// match looks up the records that rows may adopt or share, under leases on the match values. It returns the rows
// that are to be sent: the others are linked, refused, or have to come back.
func (p *pass) match(rows []*row) (send []*row) {
	var looked []*row
	for _, r := range rows {
		if r.match == "" {
			send = append(send, r)
		} else {
			looked = append(looked, r)
		}
	}
	if len(looked) == 0 {
		return send
	}
	keys := make([]string, len(looked))
	for n, r := range looked {
		keys[n] = r.lease()
	}
	if err := p.lease(keys); err != nil {
		retryAll(looked, err)
		return send
	}
	looked = slices.DeleteFunc(looked, func(r *row) bool {
		mine := p.leased(r.lease())
		if !mine {
			r.work.retry(&BusyError{What: "the match value"})
		}
		return !mine
	})
	found := p.candidates(looked)
	p.reserve(looked, found)
	taken, makers := map[string]bool{}, map[string]*row{}
	for _, r := range looked {
		if r.work.err != nil {
			continue
		}
		if r.record.Shared {
			send = append(send, p.share(r, found[r.match], makers)...)
		} else {
			send = append(send, p.adopt(r, found[r.match], taken)...)
		}
	}
	return send
}

// reserve takes the leases on the Ids of the records that may be adopted, and finds out which of them came to belong to an item
// or to a call that makes one, before that. A migration holds the same leases while it makes items.
func (p *pass) reserve(rows []*row, found map[string][]candidate) {
	var some []*row
	var ids, keys []string
	for _, r := range rows {
		if r.record.Shared || r.work.err != nil {
			continue
		}
		some = append(some, r)
		for _, c := range found[r.match] {
			if c.key == "" {
				ids, keys = append(ids, c.id), append(keys, ledger.IDLease(c.id))
			}
		}
	}
	if len(ids) == 0 {
		return
	}
	if err := p.lease(keys); err != nil {
		retryAll(some, err)
		return
	}
	owners, err := p.owners(ids)
	if err != nil {
		retryAll(some, err)
		return
	}
	making, err := p.Store.Making(p.ctx, ids)
	if err != nil {
		retryAll(some, err)
		return
	}
	for _, r := range some {
		for n, c := range found[r.match] {
			if c.key == "" && !p.leased(ledger.IDLease(c.id)) {
				r.work.retry(&BusyError{What: "a record that matches"})
			}
			owner, made := making[c.id]
			if made && owner == 0 {
				owner = unborn
			}
			found[r.match][n].owner = cmp.Or(owners[c.id], owner)
		}
	}
}

// share links a row to the oldest of the records that match; where there is none, the first row of the value makes it
// for all the others.
func (p *pass) share(r *row, found []candidate, makers map[string]*row) []*row {
	if len(found) > 0 {
		r.linked(found[0].id, r.fields)
		r.work.wrote(recordChange{Record: r.record.Name, Object: r.record.Object, ID: found[0].id, Linked: true}, nil)
		return nil
	}
	if maker := makers[r.match]; maker != nil {
		maker.like = append(maker.like, r)
		return nil
	}
	makers[r.match] = r
	return []*row{r}
}

// adopt links a row to the one record that matches, unless it is another item's. Several are nobody's to choose
// from, unless one of them is this item's already.
func (p *pass) adopt(r *row, found []candidate, taken map[string]bool) []*row {
	own := strconv.FormatInt(r.work.item.ID, 10)
	var free []candidate
	for _, c := range found {
		switch {
		case c.key == own:
			return []*row{r} // it is the item's already: the key finds it
		case c.key == "" && (c.owner == 0 || c.owner == r.work.item.ID) && !taken[c.id]:
			free = append(free, c)
		}
	}
	switch {
	case len(free) == 0:
		return []*row{r}
	case len(found) == 1:
		taken[free[0].id] = true
		return p.adopted(r, free[0].id)
	}
	r.refuse(wholeRecord, digest(r.fields), r.columns(r.record.Match), &RefusedError{
		Object: r.record.Object, Code: "MULTIPLE_MATCHES",
		Detail: fmt.Sprintf("%d records have the same %s", len(found), strings.Join(r.record.Match, " and ")),
	})
	return nil
}

// adopted links the row to a record that was there, and plans it anew as a change of that record.
func (p *pass) adopted(r *row, id string) []*row {
	r.link.Adopt(id)
	r.work.log.relink(r.link)
	r.work.log.appeared = true
	again := r.work.plan(r.record, p.Mapping.Key, &p.refs, p.Now())
	if again == nil {
		return nil
	}
	again.adopts = true
	return []*row{again}
}

// candidates asks Salesforce for the records that have the rows' match values: one query for each object and set of fields,
// oldest records first.
func (p *pass) candidates(rows []*row) map[string][]candidate {
	type question struct{ object, fields string }
	asked := map[question]map[string]*row{} // by match key
	for _, r := range rows {
		fields := slices.Sorted(maps.Keys(matchValues(r.record, r.fields)))
		q := question{r.record.Object, strings.Join(fields, ", ")}
		if !r.record.Shared {
			q.fields += ", " + p.Mapping.Key
		}
		if asked[q] == nil {
			asked[q] = map[string]*row{}
		}
		asked[q][r.match] = r
	}
	found := map[string][]candidate{}
	for q, byKey := range asked {
		for _, some := range bySize(slices.Collect(maps.Values(byKey))) {
			conditions := make([]string, len(some))
			for n, r := range some {
				conditions[n] = condition(matchValues(r.record, r.fields))
			}
			records, err := p.Salesforce.Select(p.ctx, "SELECT Id, "+q.fields+" FROM "+q.object+
				" WHERE "+strings.Join(conditions, " OR ")+" ORDER BY CreatedDate, Id")
			if err != nil {
				retryAll(alike(rows, some), fmt.Errorf("looking up %s: %w", q.object, err))
				continue
			}
			for _, record := range records {
				p.sort(record, some[0], found)
			}
		}
	}
	return found
}

// alike are the rows with a match value of some of them.
func alike(rows, some []*row) []*row {
	return slices.DeleteFunc(slices.Clone(rows), func(r *row) bool {
		return !slices.ContainsFunc(some, func(other *row) bool { return other.match == r.match })
	})
}

// sort puts a record that was found under the match key that it answers.
func (p *pass) sort(record sfclient.Record, like *row, found map[string][]candidate) {
	values := map[string]any{}
	for name := range matchValues(like.record, like.fields) {
		values[name] = record[name]
	}
	id, _ := record["Id"].(string)
	key, _ := record[p.Mapping.Key].(string)
	match := keyOf(like.record, values)
	found[match] = append(found[match], candidate{id: id, key: key})
}

// matchKey stands for the match values of a record; empty where all of them are.
func matchKey(rec *mapping.Record, values map[string]mapping.Value) string {
	if len(rec.Match) == 0 {
		return ""
	}
	literals := map[string]any{}
	for _, name := range rec.Match {
		if v := values[name]; v.Err == nil {
			literals[name] = v.Literal
		}
	}
	return keyOf(rec, literals)
}

// matchWritten is the match key of the record that an item is linked to.
func matchWritten(rec *mapping.Record, link *ledger.Link) string {
	held := map[string]any{}
	for field, w := range link.Written {
		held[field] = w.Value
	}
	return keyOf(rec, held)
}

// keyOf folds what Salesforce does not tell apart: case, and white space around a text.
func keyOf(rec *mapping.Record, fields map[string]any) string {
	values := matchValues(rec, fields)
	if len(values) == 0 {
		return ""
	}
	key := []string{rec.Object}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key = append(key, name+"="+strings.ToLower(strings.TrimSpace(fmt.Sprint(values[name]))))
	}
	return strings.Join(key, "\x1f")
}

// matchValues are the values that a record is looked up by: those that are not empty.
func matchValues(rec *mapping.Record, fields map[string]any) map[string]any {
	values := map[string]any{}
	for _, name := range rec.Match {
		if v := fields[name]; v != nil && strings.TrimSpace(fmt.Sprint(v)) != "" {
			values[name] = v
		}
	}
	return values
}

// lease names the row's match values without telling them.
func (r *row) lease() string {
	return ledger.MatchLease(r.match)
}

func condition(values map[string]any) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text := fmt.Sprint(values[name])
		if s, ok := values[name].(string); ok {
			text = sfclient.Quote(strings.TrimSpace(s))
		}
		parts = append(parts, name+" = "+text)
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}

// bySize cuts rows into queries of a bounded length.
func bySize(rows []*row) (chunks [][]*row) {
	size := querySize
	for _, r := range rows {
		length := 3*len(condition(matchValues(r.record, r.fields))) + len(" OR ") // percent-encoded at worst
		if size+length > querySize {
			chunks, size = append(chunks, nil), 0
		}
		chunks[len(chunks)-1] = append(chunks[len(chunks)-1], r)
		size += length
	}
	return chunks
}

func retryAll(rows []*row, err error) {
	for _, r := range rows {
		r.work.retry(err)
	}
}
