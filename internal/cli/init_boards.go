package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"crmsync/internal/app"
	"crmsync/internal/audit"
	"crmsync/internal/scaffold"
	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// chooseBoards lists the boards and asks which to sync. It leaves out those that the mapping file has already.
func (s *setup) chooseBoards(ctx context.Context) error {
	s.printTitle("Boards", "")
	mapped, err := s.readMapping()
	if err != nil {
		return err
	}
	boards, err := s.live.Monday.BoardNames(ctx)
	if err != nil {
		return err
	}
	table := newTable(s.stdout)
	for n, b := range boards {
		note := ""
		if mapped != nil && mapped.Board(b.ID) != nil {
			note = "in " + s.mappingPath() + " already"
		}
		fmt.Fprintf(table, "  %d\t%d\t%s\t%s\n", n+1, b.ID, b.Name, note)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	q := question{name: "Boards to sync", text: ", by number or id, separated by spaces", flag: "--board",
		optional: mapped != nil}
	q.given = strings.Trim(fmt.Sprint(s.command.Board), "[]")
	return s.until(q, func(answer string) error {
		chosen, err := numbers(s.command.Board), error(nil)
		if len(chosen) == 0 {
			chosen, err = choose(answer, boards)
		}
		if err != nil {
			return err
		}
		for n, id := range chosen {
			if mapped != nil && mapped.Board(id) != nil {
				continue
			}
			s.boards = append(s.boards, id)
			object := ""
			if n < len(s.command.Object) {
				object = s.command.Object[n]
			}
			s.objects = append(s.objects, object)
		}
		return nil
	})
}

// readMapping returns the mapping of the file, if there is one.
func (s *setup) readMapping() (*mapping.Mapping, error) {
	if _, err := os.Stat(s.mappingPath()); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	m, err := app.ReadMapping(s.mappingPath())
	if err != nil {
		return nil, app.UsageError{Err: err}
	}
	return m, nil
}

// choose returns the boards that an answer names, by their number in the list or by id.
func choose(answer string, boards []mondayclient.Board) (chosen []int64, err error) {
	for word := range strings.FieldsFuncSeq(answer, func(r rune) bool { return r == ' ' || r == ',' }) {
		n, err := strconv.ParseInt(word, 10, 64)
		switch {
		case err != nil || n < 1:
			return nil, fmt.Errorf("%q is neither a number in the list nor an id", word)
		case n <= int64(len(boards)):
			n = boards[n-1].ID
		}
		if !slices.Contains(chosen, n) {
			chosen = append(chosen, n)
		}
	}
	return chosen, nil
}

// chooseObjects asks for the object of each board, and examines its key and rights.
func (s *setup) chooseObjects(ctx context.Context) error {
	if len(s.boards) == 0 {
		return nil
	}
	s.printTitle("Objects", "")
	boards, err := s.live.Monday.Boards(ctx, s.boards)
	if err := errors.Join(err, missingBoards(s.boards, boards)); err != nil {
		return err
	}
	names, err := s.live.Salesforce.ObjectNames(ctx)
	if err != nil {
		return err
	}
	for n, id := range s.boards {
		board := boards[slices.IndexFunc(boards, func(b mondayclient.Board) bool { return b.ID == id })]
		q := question{name: fmt.Sprintf("Salesforce object for the items of %s (%d)", board.Name, id), flag: "--object",
			given: s.objects[n], known: guessObject(board.Name, names)}
		err := s.until(q, func(answer string) error {
			object, err := s.live.Object(ctx, answer)
			if err != nil {
				return err
			}
			if object == nil {
				return fmt.Errorf("the object %s does not exist or is not visible to the user%s", answer,
					mapping.Suggestion(answer, names))
			}
			s.pairs = append(s.pairs, scaffold.Pair{Board: board, Object: object})
			return s.examineObject(ctx, object)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const howKey = `    Setup, Object Manager, %s, Fields & Relationships, New: Text of length 18,
    name Monday_Item_Id, Unique, External ID.
    Then give the user Read and Edit Access to it: Permission Sets, Object Settings, %[1]s.
`

// examineObject reports what the object or the user lacks. On a terminal it waits until that is corrected or
// postponed; the mapping can be written without it.
func (s *setup) examineObject(ctx context.Context, object *sfclient.Object) error {
	for {
		key := mapping.DefaultKey
		if m, err := s.readMapping(); err == nil && m != nil {
			key = m.Key
		}
		found := audit.Access(object, key)
		for _, f := range found {
			s.say("%s %s", s.mark(s.stdout, failed), f.Message)
		}
		if len(found) == 0 {
			s.say("%s %s has the key, and the user may write it", s.mark(s.stdout, passed), object.Name)
			return nil
		}
		fmt.Fprintf(s.stdout, howKey, object.Name)
		if s.terminal == nil {
			return nil
		}
		answer, err := s.ask(question{text: "Press Enter to check again, or type later to continue"})
		if err != nil || answer != "" {
			return err
		}
		again, err := s.live.Object(ctx, object.Name)
		if err != nil {
			return err
		}
		if again != nil {
			*object = *again
		}
	}
}

// guessObject returns the object that a board's name suggests; empty: none.
func guessObject(board string, names []string) string {
	plain := func(name string) string {
		name = strings.ToLower(strings.TrimSuffix(name, "__c"))
		name = strings.NewReplacer(" ", "", "_", "", "-", "").Replace(name)
		if y, ok := strings.CutSuffix(name, "ies"); ok {
			return y + "y"
		}
		return strings.TrimSuffix(name, "s")
	}
	n := slices.IndexFunc(names, func(name string) bool { return plain(name) == plain(board) })
	if n < 0 {
		return ""
	}
	return names[n]
}

// secret creates the secret of the webhook's URL, unless deliveries are authenticated already.
func (s *setup) secret(context.Context) error {
	if s.known("WEBHOOK_SECRET") == "" && s.known("MONDAY_SIGNING_SECRET") == "" {
		s.values["WEBHOOK_SECRET"] = rand.Text()
	} else if value := s.source.Getenv("WEBHOOK_SECRET"); value != "" {
		s.keep("WEBHOOK_SECRET", value)
	}
	return nil
}
