package send

import (
	"context"
	"maps"
	"slices"

	"crmsync/sfclient"
)

// ask answers the questions of searches.
func ask(ctx context.Context, salesforce Salesforce, searches []*search) {
	ids := map[string][]string{}
	for _, x := range searches {
		for _, ref := range x.subjects() {
			if !slices.Contains(ids[ref.object], ref.id) {
				ids[ref.object] = append(ids[ref.object], ref.id)
			}
		}
	}
	fates, errs := map[ref]sfclient.Fate{}, map[string]error{}
	for _, object := range slices.Sorted(maps.Keys(ids)) {
		found, err := salesforce.Fates(ctx, object, ids[object])
		if err != nil && isRejection(err) { // the question is impossible: nothing counts as gone
			err = nil
		}
		errs[object] = err
		for id, fate := range found {
			fates[ref{object, id}] = fate
		}
	}
	for _, x := range searches {
		switch x.asks {
		case record, references:
			x.answer(fates, errs)
		case duplicates:
			w := x.write.with(x.fields())
			x.answerDuplicates(salesforce.Duplicates(ctx, w.Object, w.Key, recordOf(w), w.Options))
		}
	}
}
