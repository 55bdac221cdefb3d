package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/settle"
)

// planned is the plan of one record of one item.
type planned struct {
	work *work
	plan plan.Plan
}

// write is a plan to send, with the plans of other items that share the record.
type write struct {
	planned
	sharers []planned
}

// all returns the plans that the write is for.
func (w write) all() []planned { return append([]planned{w.planned}, w.sharers...) }

func retryAll(plans []planned, err error) {
	for _, d := range plans {
		d.work.retry(err)
	}
}

// columns returns the columns that fill the fields.
func (d planned) columns(fields []string) (columns []string) {
	for _, field := range d.plan.Record.Fields {
		if slices.Contains(fields, field.Name) {
			columns = append(columns, field.Columns()...)
		}
	}
	if slices.Contains(fields, plan.ShownID) {
		columns = append(columns, d.plan.Record.IDColumn)
	}
	return columns
}

// publicName returns the name shown to people for what is stored as rejected.
func publicName(field string) string {
	if field == plan.ShownID {
		return "Id"
	}
	field, _ = strings.CutPrefix(field, settle.Rested)
	field, _ = strings.CutPrefix(field, "@")
	return field
}

func (p *pass) salesforceID(d planned) string {
	if link := d.work.item.Links[d.plan.Record.Name]; link != nil {
		return link.SalesforceID
	}
	return ""
}

// references returns the objects of the fields that hold Ids of other records.
func references(rec *mapping.Record, fields map[string]any) map[string]string {
	refs := map[string]string{}
	for _, field := range rec.Fields {
		target := cmp.Or(field.Record(), field.Link())
		if _, sent := fields[field.Name]; sent && target != nil {
			refs[field.Name] = target.Object
		}
	}
	return refs
}

// placeholder stands for the Id of a record that would be created.
func placeholder(d planned) string {
	return fmt.Sprintf("new:%d:%s", d.work.item.ID, d.plan.Record.Name)
}

func isPlaceholder(id string) bool { return len(id) > 4 && id[:4] == "new:" }

// writeSize is the maximum number of items written to Monday in one call.
const writeSize = 50

// cell is a column of an item that is written.
type cell struct {
	work   *work
	record *mapping.Record
	column string
	value  any // in Monday's form for writing

	id       string           // the Id that an id column shows
	decision *settle.Decision // of a column that takes Salesforce's value
}

func (c cell) planned() planned { return planned{c.work, plan.Plan{Record: c.record}} }
