package bolt

import (
	"go.etcd.io/bbolt"

	"hotline/store"
)

// PutVoicemail implements store.Store.
func (s *Store) PutVoicemail(v store.Voicemail) error {
	return s.putRecord(bucketVoicemail, "voicemail", v.ID, v, false)
}

// DeleteVoicemail implements store.Store.
func (s *Store) DeleteVoicemail(id string) error {
	return s.put("delete voicemail", id, 0, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketVoicemail).Delete([]byte(id))
	})
}

// Voicemail implements store.Store.
func (s *Store) Voicemail(id string) (store.Voicemail, error) {
	return record[store.Voicemail](s, bucketVoicemail, "voicemail", id)
}

// Voicemails implements store.Store.
func (s *Store) Voicemails(f func(store.Voicemail) bool) error {
	return each(s, bucketVoicemail, "voicemail", f)
}

// PutCallback implements store.Store.
func (s *Store) PutCallback(c store.Callback) error {
	return s.putRecord(bucketCallback, "callback", c.ID, c, false)
}

// DeleteCallback implements store.Store.
func (s *Store) DeleteCallback(id string) error {
	return s.put("delete callback", id, 0, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketCallback).Delete([]byte(id))
	})
}

// Callback implements store.Store.
func (s *Store) Callback(id string) (store.Callback, error) {
	return record[store.Callback](s, bucketCallback, "callback", id)
}

// Callbacks implements store.Store.
func (s *Store) Callbacks(f func(store.Callback) bool) error {
	return each(s, bucketCallback, "callback", f)
}

// DeleteRecording implements store.Store.
func (s *Store) DeleteRecording(id string) error {
	return s.put("delete recording", id, 0, func(tx *bbolt.Tx) error {
		old := tx.Bucket(bucketRecording).Get([]byte(id))
		if old == nil {
			return nil
		}
		r, err := decode[store.Recording]("recording", pair{[]byte(id), old})
		if err != nil {
			return err
		}
		if err := tx.Bucket(bucketRecordAt).Delete(atKey(r.Began, id)); err != nil {
			return err
		}
		return tx.Bucket(bucketRecording).Delete([]byte(id))
	})
}
