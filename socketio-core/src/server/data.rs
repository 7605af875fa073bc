use std::{
    any::Any,
    sync::{PoisonError, RwLock},
};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Typed values kept with a socket, on this node only. One of each type.
#[derive(Clone, Copy, Debug)]
pub struct Extensions<'a>(pub(super) &'a RwLock<http::Extensions>);

impl Extensions<'_> {
    /// Puts a value in, and gives the one that it replaces.
    pub fn insert<T: Clone + Send + Sync + 'static>(&self, value: T) -> Option<T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(value)
    }

    /// A clone of the value.
    pub fn get<T: Any + Clone + Send + Sync>(&self) -> Option<T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get().cloned()
    }

    /// Takes the value out.
    pub fn remove<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove()
    }
}

/// JSON values kept with a socket.
#[derive(Clone, Copy, Debug)]
pub struct SocketData<'a>(pub(super) &'a RwLock<Map<String, Value>>);

impl SocketData<'_> {
    /// Sets a value.
    ///
    /// # Errors
    /// It is no JSON.
    pub fn set<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> serde_json::Result<()> {
        let value = serde_json::to_value(value)?;
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name.into(), value);
        Ok(())
    }

    /// Reads a value. `None` if there is none, or if it is no `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let data = self.0.read().unwrap_or_else(PoisonError::into_inner);
        T::deserialize(data.get(name)?).ok()
    }

    /// Removes a value.
    pub fn remove(&self, name: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// All values, as one JSON object.
    pub fn to_value(&self) -> Value {
        Value::Object(self.to_map())
    }

    pub(super) fn to_map(self) -> Map<String, Value> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
