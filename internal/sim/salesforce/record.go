package salesforce

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// saveResult is the outcome of a create or upsert, or of a row of a collection.
type saveResult struct {
	ID      string     `json:"id,omitempty"`
	Success bool       `json:"success"`
	Errors  []rowError `json:"errors"`
	Created *bool      `json:"created,omitempty"`
}

func saved(id string) saveResult { return saveResult{ID: id, Success: true, Errors: []rowError{}} }

func upserted(id string, created bool) saveResult {
	return saveResult{ID: id, Success: true, Errors: []rowError{}, Created: &created}
}

// planSObjects handles /sobjects and the paths below it.
func (s *Sim) planSObjects(r request) operation {
	if len(r.path) == 1 {
		return s.planGlobalDescribe(r)
	}
	t, ok := s.tableFor(r.path[1])
	if !ok {
		return refused(opOther, "", notFound())
	}
	switch {
	case len(r.path) == 2 && r.method == http.MethodPost:
		return planCreate(r, t)
	case len(r.path) == 2:
		return planBasicInfo(r, t)
	case len(r.path) == 3 && r.path[2] == "describe":
		return planDescribe(r, t)
	case len(r.path) == 3:
		return planByID(r, t, r.path[2])
	}
	// The value of an external ID may contain slashes.
	c, ok := t.column(r.path[2])
	value := strings.Join(r.path[3:], "/")
	switch {
	case ok && c.index == colID && r.method != http.MethodPatch:
		return planByID(r, t, value)
	case !ok || !c.ExternalID && c.index != colID:
		return refused(opOther, t.Name, noExternalID(r.path[2]))
	}
	return planByKey(r, t, c, value)
}

// planCreate handles POST /sobjects/{object}.
//
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_basic_info_post.htm
func planCreate(r request, t *table) operation {
	fields, row, f := decodeRow(r, t)
	if f == nil && row.set[colID] {
		f = notInBody("Id")
	}
	if f != nil {
		return refused(opCreate, t.Name, f)
	}
	return operation{name: opCreate, object: t.Name, records: []map[string]any{fields},
		targets: row.appendTargets(nil, ""),
		run: func(x *tx) answer {
			rec, failures := x.alone(func() (*record, []*failure) { return x.create(row) })
			if failures != nil {
				return refusal(failures...)
			}
			return answer{http.StatusCreated, r.base() + t.path(rec.id), saved(rec.id)}
		}}
}

// planByID handles GET, PATCH and DELETE of /sobjects/{object}/{id}.
func planByID(r request, t *table, id string) operation {
	full, ok := parseID(id)
	if !ok {
		return refused(opOther, t.Name, noExternalID(id))
	}
	find := func() (*record, *failure) { return t.byPathID(full) }
	switch r.method {
	case http.MethodGet:
		return planGet(r, t, find)
	case http.MethodPatch:
		fields, row, f := decodeRow(r, t)
		if f == nil && row.set[colID] {
			f = notInBody("Id")
		}
		if f != nil {
			return refused(opUpdate, t.Name, f)
		}
		return operation{name: opUpdate, object: t.Name, records: with(fields, "Id", full),
			targets: row.appendTargets(nil, full),
			run: func(x *tx) answer {
				rec, f := find()
				if f != nil {
					return refusal(f)
				}
				if failures := x.updateAlone(rec, row); failures != nil {
					return refusal(failures...)
				}
				return answer{status: http.StatusNoContent}
			}}
	case http.MethodDelete:
		op := planDelete(t, find)
		op.records, op.targets = with(nil, "Id", full), []target{{&t.columns[colID], full, t}}
		return op
	}
	return notAllowed(r, "HEAD,GET,PATCH,DELETE")
}

// planByKey handles GET, PATCH (upsert) and DELETE of /sobjects/{object}/{field}/{value}.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/dome-upsert.html
func planByKey(r request, t *table, c *column, text string) operation {
	value, f := c.parsePath(text)
	if f != nil {
		return refused(opOther, t.Name, f)
	}
	find := func() (*record, *failure) {
		if found := t.byKey(c, value); len(found) == 1 {
			return found[0], nil
		}
		return nil, notFound()
	}
	switch r.method {
	case http.MethodGet:
		return planGet(r, t, find)
	case http.MethodPatch:
		return planUpsert(r, t, c, value)
	case http.MethodDelete:
		op := planDelete(t, find)
		op.records, op.targets = with(nil, c.Name, value), []target{{c, value, t}}
		return op
	}
	return notAllowed(r, "HEAD,GET,PATCH,DELETE")
}

func planUpsert(r request, t *table, c *column, value any) operation {
	fields, row, f := decodeRow(r, t)
	switch {
	case f == nil && row.set[colID]:
		f = notInBody("Id")
	case f == nil && row.set[c.index]:
		f = notInBody(c.Name)
	}
	if f != nil {
		return refused(opUpsert, t.Name, f)
	}
	if c.index != colID {
		row.values[c.index], row.set[c.index] = value, true
	}
	return operation{name: opUpsert, object: t.Name, records: with(fields, c.Name, value),
		targets: []target{{c, value, t}},
		run:     func(x *tx) answer { return x.upsertOne(r, c, value, row) }}
}

func (x *tx) upsertOne(r request, c *column, value any, row row) answer {
	t := row.table
	switch found := t.byKey(c, value); {
	case len(found) > 1:
		paths := make([]string, len(found))
		for i, rec := range found {
			paths[i] = r.base() + t.path(rec.id)
		}
		return answer{status: http.StatusMultipleChoices, body: paths}
	case len(found) == 1:
		if failures := x.updateAlone(found[0], row); failures != nil {
			return refusal(failures...)
		}
		if v, _ := strconv.ParseFloat(r.version, 64); v < 46 {
			return answer{status: http.StatusNoContent}
		}
		return answer{http.StatusOK, "", upserted(found[0].id, false)}
	case c.index == colID:
		return refusal(notFound())
	}
	rec, failures := x.alone(func() (*record, []*failure) { return x.create(row) })
	if failures != nil {
		return refusal(failures...)
	}
	return answer{http.StatusCreated, r.base() + t.path(rec.id), upserted(rec.id, true)}
}

func planGet(r request, t *table, find func() (*record, *failure)) operation {
	var names []string
	if list := r.query.Get("fields"); list != "" {
		names = strings.Split(list, ",")
	}
	sel, f := t.selectColumns(names)
	if f != nil {
		return refused(opRetrieve, t.Name, f)
	}
	return operation{name: opRetrieve, object: t.Name, run: func(*tx) answer {
		rec, f := find()
		if f != nil {
			return refusal(f)
		}
		return answer{status: http.StatusOK, body: json.RawMessage(sel.append(nil, r.base(), rec))}
	}}
}

func planDelete(t *table, find func() (*record, *failure)) operation {
	return operation{name: opDelete, object: t.Name, run: func(x *tx) answer {
		rec, f := find()
		if f == nil {
			f = x.delete(rec)
		}
		if f != nil {
			return refusal(f)
		}
		return answer{status: http.StatusNoContent}
	}}
}

// byPathID finds the live record with the id in a path.
func (t *table) byPathID(id string) (*record, *failure) {
	rec, ok := t.byID[id]
	switch {
	case !ok || rec.hidden:
		return nil, notFound()
	case rec.deleted():
		return nil, fail("ENTITY_IS_DELETED", "entity is deleted").with(http.StatusNotFound)
	}
	return rec, nil
}

// byKey finds the live records with this id or external ID.
func (t *table) byKey(c *column, value any) []*record {
	if c.index != colID {
		return shown(t.find(c, value))
	}
	if rec, ok := t.live(value.(string)); ok {
		return shown([]*record{rec})
	}
	return nil
}

// parsePath parses an external ID, or an id, from a path.
func (c *column) parsePath(text string) (any, *failure) {
	if c.index == colID {
		id, ok := parseID(text)
		if !ok {
			return nil, fail("MALFORMED_ID", "malformed id %s", text)
		}
		return id, nil
	}
	v, f := c.parse(text)
	if v == nil || f != nil {
		return nil, notFound()
	}
	return v, nil
}

func (t *table) path(id string) string { return "/sobjects/" + t.Name + "/" + id }

func decodeRow(r request, t *table) (map[string]any, row, *failure) {
	var fields map[string]any
	if f := decode(r.body, &fields); f != nil {
		return nil, row{}, f
	}
	row, f := bind(t, fields)
	return fields, row, f
}

// with returns the only row of a call, with its key from the path added.
func with(fields map[string]any, name string, value any) []map[string]any {
	row := maps.Clone(fields)
	if row == nil {
		row = map[string]any{}
	}
	row[name] = value
	return []map[string]any{row}
}

func notInBody(field string) *failure {
	return fail("INVALID_FIELD", "The %s field should not be specified in the sobject data.", field)
}

func noExternalID(name string) *failure {
	return fail("NOT_FOUND", "Provided external ID field does not exist or is not accessible: %s",
		name).with(http.StatusNotFound)
}
