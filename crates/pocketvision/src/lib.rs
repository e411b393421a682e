//! pocketvision
