export const myself = () => ({ element: document.createElement('div') });
