package salesforce

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

const (
	maxRows     = 200  // in a writing collection
	maxRetrieve = 2000 // in a reading one
	maxChunks   = 10   // runs of one object in a collection
)

// collection is the body of a create, update or upsert.
type collection struct {
	AllOrNone bool             `json:"allOrNone"`
	Records   []map[string]any `json:"records"`
}

// planCollections handles /composite/sobjects and the paths below it.
//
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobjects_collections.htm
func (s *Sim) planCollections(r request) operation {
	switch {
	case len(r.path) == 2 && r.method == http.MethodPost:
		return s.planRows(r, opCreate, nil, nil)
	case len(r.path) == 2 && r.method == http.MethodPatch:
		return s.planRows(r, opUpdate, nil, nil)
	case len(r.path) == 2 && r.method == http.MethodDelete:
		return s.planDeletes(r)
	case len(r.path) == 2:
		return notAllowed(r, "POST,PATCH,DELETE")
	}
	t, ok := s.tableFor(r.path[2])
	switch {
	case !ok || len(r.path) > 4:
		return refused(opOther, "", notFound())
	case len(r.path) == 4 && r.method != http.MethodPatch:
		return notAllowed(r, "PATCH")
	case len(r.path) == 4:
		c, ok := t.column(r.path[3])
		if !ok || !c.ExternalID && c.index != colID {
			return refused(opUpsert, t.Name, noExternalID(r.path[3]))
		}
		return s.planRows(r, opUpsert, t, c)
	}
	return planRetrieves(r, t)
}

// planRows plans a create, an update, or an upsert by a column of one object.
func (s *Sim) planRows(r request, name string, only *table, by *column) operation {
	var body collection
	if f := decode(r.body, &body); f != nil {
		return refused(name, "", f)
	}
	rows, f := s.bindRows(body.Records, only)
	if f != nil {
		return refused(name, "", f)
	}
	op := operation{name: name, object: rows[0].table.Name, records: body.Records}
	ids := make([]string, len(rows))
	op.targets = make([]target, 0, len(rows))
	for i := range rows {
		ids[i] = rows[i].takeID()
		op.targets = rows[i].appendTargets(op.targets, ids[i])
	}
	op.run = func(x *tx) answer {
		return x.saveEach(rows, body.AllOrNone, func() func(i int) (saveResult, []*failure) {
			seen := map[writeKey]bool{}
			return func(i int) (saveResult, []*failure) {
				switch {
				case name == opCreate:
					return x.createRow(rows[i], ids[i])
				case by == nil || by.index == colID:
					return x.updateRow(rows[i], ids[i], by != nil, seen)
				}
				return x.upsertRow(rows[i], ids[i], by, seen)
			}
		})
	}
	return op
}

// bindRows resolves the rows of a collection. A fault fails the call.
func (s *Sim) bindRows(records []map[string]any, only *table) ([]row, *failure) {
	if f := checkSize(len(records), maxRows); f != nil {
		return nil, f
	}
	rows := make([]row, len(records))
	chunks := 0
	for i, fields := range records {
		attributes, _ := fields["attributes"].(map[string]any)
		name, _ := attributes["type"].(string)
		t, ok := s.tableFor(name)
		switch {
		case name == "" && only != nil:
			t = only
		case !ok:
			return nil, fail("INVALID_TYPE", "sObject type '%s' is not supported.", name)
		case only != nil && t != only:
			return nil, fail("INVALID_TYPE", "sObject type '%s' is not that of the request: %s", name, only.Name)
		}
		if i == 0 || rows[i-1].table != t {
			chunks++
		}
		var f *failure
		if rows[i], f = bind(t, fields); f != nil {
			return nil, f
		}
	}
	if chunks > maxChunks {
		return nil, fail("LIMIT_EXCEEDED", "Cannot have more than 10 chunks in a single operation. Please rearrange the "+
			"data to reduce chunking.")
	}
	return rows, nil
}

func (x *tx) createRow(r row, id string) (saveResult, []*failure) {
	if id != "" {
		return saveResult{}, list(fail("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call").on("Id"))
	}
	rec, failures := x.create(r)
	if failures != nil {
		return saveResult{}, failures
	}
	return saved(rec.id), nil
}

// updateRow updates by id. For a row of an upsert, it reports that nothing was created.
func (x *tx) updateRow(r row, id string, upsert bool, seen map[writeKey]bool) (saveResult, []*failure) {
	if id == "" {
		return saveResult{}, list(fail("MISSING_ARGUMENT", "Id not specified in an update call"))
	}
	rec, f := r.table.byRowID(id)
	if f != nil {
		return saveResult{}, list(f)
	}
	key := writeKey{r.table, colID, rec.id}
	if seen[key] {
		return saveResult{}, list(fail("DUPLICATE_VALUE", "Duplicate id specified: %s", id).on("Id"))
	}
	seen[key] = true
	if failures := x.update(rec, r); failures != nil {
		return saveResult{}, failures
	}
	if upsert {
		return upserted(rec.id, false), nil
	}
	return saved(rec.id), nil
}

func (x *tx) upsertRow(r row, id string, by *column, seen map[writeKey]bool) (saveResult, []*failure) {
	value := r.values[by.index]
	switch {
	case id != "":
		return saveResult{}, list(fail("INVALID_FIELD",
			"cannot specify both an external ID reference and a salesforce id, %s", by.Name))
	case value == nil:
		return saveResult{}, list(fail("MISSING_ARGUMENT", "%s not specified", by.Name))
	}
	key := writeKey{r.table, by.index, by.fold(value)}
	if seen[key] {
		return saveResult{}, list(fail("DUPLICATE_VALUE", "Duplicate external id specified: %v", value).on(by.Name))
	}
	seen[key] = true
	found := x.visible(r.table.find(by, value))
	switch len(found) {
	case 0:
		rec, failures := x.create(r)
		if failures != nil {
			return saveResult{}, failures
		}
		return upserted(rec.id, true), nil
	case 1:
		rec := found[0]
		if failures := x.update(rec, r); failures != nil {
			return saveResult{}, failures
		}
		return upserted(rec.id, false), nil
	}
	return saveResult{}, list(fail("DUPLICATE_EXTERNAL_ID",
		"%s: more than one record found for external id field: [%s, %s]",
		by.Name, found[0].id, found[1].id).on(by.Name))
}

// planDeletes handles DELETE /composite/sobjects?ids=.
func (s *Sim) planDeletes(r request) operation {
	var ids []string
	if text := r.query.Get("ids"); text != "" {
		ids = strings.Split(text, ",")
	}
	if f := checkSize(len(ids), maxRows); f != nil {
		return refused(opDelete, "", f)
	}
	op := operation{name: opDelete}
	for i, id := range ids {
		op.records = append(op.records, map[string]any{"Id": id})
		full, ok := parseID(id)
		if !ok {
			continue
		}
		if t, ok := s.byPrefix[full[:3]]; ok {
			op.targets = append(op.targets, target{&t.columns[colID], full, t})
			if i == 0 {
				op.object = t.Name
			}
		}
	}
	op.run = func(x *tx) answer {
		return x.each(len(ids), r.query.Get("allOrNone") == "true", func(i int) (saveResult, []*failure) {
			return x.deleteRow(ids[i])
		})
	}
	return op
}

func (x *tx) deleteRow(id string) (saveResult, []*failure) {
	full, ok := parseID(id)
	t := x.sim.byPrefix[full[:min(3, len(full))]]
	if !ok || t == nil {
		return saveResult{}, list(fail("MALFORMED_ID", "malformed id %s", id))
	}
	rec, f := t.byRowID(full)
	if f == nil {
		f = x.delete(rec)
	}
	if f != nil {
		return saveResult{}, list(f)
	}
	return saved(rec.id), nil
}

// planRetrieves handles GET and POST of /composite/sobjects/{object}.
func planRetrieves(r request, t *table) operation {
	var body struct{ IDs, Fields []string }
	switch r.method {
	case http.MethodGet:
		body.IDs, body.Fields = strings.Split(r.query.Get("ids"), ","), strings.Split(r.query.Get("fields"), ",")
	case http.MethodPost:
		if f := decode(r.body, &body); f != nil {
			return refused(opRetrieve, t.Name, f)
		}
	default:
		return notAllowed(r, "GET,POST")
	}
	f := checkSize(len(body.IDs), maxRetrieve)
	if f == nil && len(body.Fields) == 0 {
		f = fail("MISSING_ARGUMENT", "fields not specified")
	}
	sel, unknown := t.selectColumns(body.Fields)
	if f == nil {
		f = unknown
	}
	if f != nil {
		return refused(opRetrieve, t.Name, f)
	}
	asked := make([]map[string]any, len(body.IDs))
	for n, id := range body.IDs {
		asked[n] = map[string]any{"id": id}
	}
	return operation{name: opRetrieve, object: t.Name, records: asked, run: func(*tx) answer {
		var rows [][]byte
		for _, id := range body.IDs {
			full, _ := parseID(id)
			if rec, ok := t.live(full); ok && !rec.hidden {
				rows = append(rows, sel.append(nil, r.base(), rec))
			} else {
				rows = append(rows, []byte("null"))
			}
		}
		return answer{status: http.StatusOK, body: json.RawMessage("[" + string(bytes.Join(rows, []byte(","))) + "]")}
	}}
}

// byRowID finds the live record whose id is in the row.
func (t *table) byRowID(id string) (*record, *failure) {
	full, ok := parseID(id)
	if !ok {
		return nil, fail("MALFORMED_ID", "malformed id %s", id).on("Id")
	}
	rec, ok := t.byID[full]
	switch {
	case full[:3] != t.Prefix:
		return nil, fail("MALFORMED_ID", "%s ID: id value of incorrect type: %s", t.Label, id).on("Id")
	case !ok || rec.hidden:
		return nil, fail("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
	case rec.deleted():
		return nil, fail("ENTITY_IS_DELETED", "entity is deleted")
	}
	return rec, nil
}

func checkSize(n, most int) *failure {
	switch {
	case n == 0:
		return fail("MISSING_ARGUMENT", "at least one record is required")
	case n > most:
		return fail("EXCEEDED_ID_LIMIT", "record limit reached. cannot submit more than %d records into this call", most)
	}
	return nil
}

func list(f *failure) []*failure { return []*failure{f} }
