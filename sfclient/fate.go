package sfclient

import (
	"context"
	"fmt"
	"strings"
)

// State is what has become of a record.
type State uint8

// The states.
const (
	Missing   State = iota // never existed, was purged from the recycle bin, or is not visible to the run-as user
	Live                   // exists
	Deleted                // in the recycle bin
	Merged                 // merged into another record, which is live
	Converted              // a converted lead, which is read-only
)

func (s State) String() string {
	return [...]string{"missing", "live", "deleted", "merged", "converted"}[s]
}

// Fate is what has become of a record, and what it has turned into. Ids have 18 characters.
type Fate struct {
	State State

	// MasterID is the record it was merged into: the last one, if that was merged in turn. If State is not
	// Merged, State is that of the master record.
	MasterID string

	// What a lead was converted to; empty: nothing.
	ContactID, AccountID, OpportunityID string
}

// maxMerges limits how many successive merges are followed.
const maxMerges = 10

// Fates returns what has become of records of one object. It takes a call for every 200 Ids, and one more for
// each merge to follow. The result has an entry for each of ids, keyed by the form that was given, of 15 or
// 18 characters.
func (c *Client) Fates(ctx context.Context, object string, ids []string) (map[string]Fate, error) {
	shape, err := c.Shape(ctx, object)
	if err != nil {
		return nil, err
	}
	fates := make(map[string]Fate, len(ids)) // by Id of 18 characters
	ask := make([]string, 0, len(ids))
	for _, id := range ids {
		ask = appendID(ask, fates, id)
	}
	for range maxMerges {
		found, err := c.fates(ctx, shape, ask)
		if err != nil {
			return nil, while(err, "finding out what became of %d of %s", len(ids), object)
		}
		ask = ask[:0:0]
		for id, fate := range found {
			fates[id] = fate
		}
		for _, fate := range found {
			ask = appendID(ask, fates, fate.MasterID)
		}
		if len(ask) == 0 {
			break
		}
	}
	result := make(map[string]Fate, len(ids))
	for _, id := range ids {
		whole, _ := ID18(id)
		result[id] = follow(fates, whole)
	}
	return result, nil
}

// appendID adds an Id that has not been queried yet.
func appendID(ask []string, fates map[string]Fate, id string) []string {
	whole, ok := ID18(id)
	if _, asked := fates[whole]; !ok || asked {
		return ask
	}
	fates[whole] = Fate{}
	return append(ask, whole)
}

// follow returns the fate of a record, following the records it was merged into.
func follow(fates map[string]Fate, id string) Fate {
	fate := fates[id]
	for range maxMerges {
		if fate.State != Merged {
			return fate
		}
		winner := fates[fate.MasterID]
		switch winner.State {
		case Live:
			return fate
		case Merged:
			fate.MasterID = winner.MasterID
		default:
			winner.MasterID = fate.MasterID
			return winner
		}
	}
	return fate
}

// fates reads what became of records without following merges. Records that are not found are omitted.
func (c *Client) fates(ctx context.Context, shape *Object, ids []string) (map[string]Fate, error) {
	fields := "Id"
	for _, field := range []string{
		"IsDeleted", "MasterRecordId", "IsConverted", "ConvertedContactId", "ConvertedAccountId", "ConvertedOpportunityId",
	} {
		if shape.Has(field) {
			fields += ", " + field
		}
	}
	fates := make(map[string]Fate, len(ids))
	for len(ids) > 0 {
		some := ids[:min(len(ids), maxRecords)]
		ids = ids[len(some):]
		soql := fmt.Sprintf("SELECT %s FROM %s WHERE Id IN ('%s')", fields, shape.Name, strings.Join(some, "','"))
		for record, err := range c.QueryAll(ctx, soql) {
			if err != nil {
				return nil, err
			}
			fates[record.id("Id")] = fateOf(record)
		}
	}
	return fates, nil
}

func fateOf(r Record) Fate {
	switch {
	case r["IsConverted"] == true:
		return Fate{
			State:         Converted,
			ContactID:     r.id("ConvertedContactId"),
			AccountID:     r.id("ConvertedAccountId"),
			OpportunityID: r.id("ConvertedOpportunityId"),
		}
	case r.id("MasterRecordId") != "":
		return Fate{State: Merged, MasterID: r.id("MasterRecordId")}
	case r["IsDeleted"] == true:
		return Fate{State: Deleted}
	}
	return Fate{State: Live}
}

// id returns the 18-character form of the Id in a field.
func (r Record) id(field string) string {
	text, _ := r[field].(string)
	id, _ := ID18(text)
	return id
}
